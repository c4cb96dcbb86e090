// SPDX-License-Identifier: Apache-2.0
#include "k8s/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fakes/temporary_directory.h"

namespace kube_nflog {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const SteadyTime kStart{std::chrono::hours(1)};

class Credentials : public testing::Test {
 protected:
  Credentials() {
    files_.write("token", "  abc.def\n");
    files_.write("ca.crt", "PEM");
  }
  ClusterEnv env(const std::string& host, const std::string& port) {
    return {host, port, files_.path()};
  }
  TokenSource source(const std::string& file) {
    ApiConfig config;
    config.token_file = file;
    return TokenSource(config, metrics_);
  }
  std::uint64_t failures(Credential what) {
    return metrics_.credential_reload_failures[what].value();
  }

  TemporaryDirectory files_;
  Metrics metrics_;
};

TEST_F(Credentials, InClusterIsTheDefault) {
  const auto config = find_api("", "", env("10.96.0.1", "443"));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->server, "https://10.96.0.1:443");
  EXPECT_EQ(config->ca.file, files_.path("ca.crt"));
  EXPECT_EQ(config->token_file, files_.path("token"));
  EXPECT_EQ(config->proxy, "");
  EXPECT_FALSE(config->insecure_skip_tls_verify);
}

TEST_F(Credentials, Ipv6HostsGetBrackets) {
  const auto config = find_api("", "", env("fd00:10:96::1", "443"));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->server, "https://[fd00:10:96::1]:443");
}

TEST_F(Credentials, OutsideAClusterTheErrorSaysWhatToDo) {
  const auto config = find_api("", "", env("", ""));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().exit, Exit::kConfig);
  EXPECT_THAT(config.error().what, HasSubstr("KUBERNETES_SERVICE_HOST"));
  EXPECT_THAT(config.error().what, HasSubstr("--kubeconfig=FILE"));
}

TEST_F(Credentials, EachMissingFileIsNamed) {
  std::filesystem::remove(files_.path("ca.crt"));
  auto config = find_api("", "", env("10.96.0.1", "443"));
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().what, HasSubstr(files_.path("ca.crt") + ": No such file"));
  EXPECT_THAT(config.error().what, HasSubstr("automountServiceAccountToken"));
  std::filesystem::remove(files_.path("token"));
  config = find_api("", "", env("10.96.0.1", "443"));
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().what, HasSubstr(files_.path("token")));
}

TEST_F(Credentials, ABadServiceHostIsNotFollowed) {
  for (const char* host : {"evil/path", "a b", "10.0.0.1:1@x"}) {
    const auto config = find_api("", "", env(host, "443"));
    ASSERT_FALSE(config) << host;
    EXPECT_EQ(config.error().exit, Exit::kConfig);
  }
  EXPECT_FALSE(find_api("", "", env("10.96.0.1", "99999")));
}

TEST_F(Credentials, ApiServerReplacesTheHostOnly) {
  const auto config = find_api("https://[2001:db8::1]:6443/", "", env("10.96.0.1", "443"));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->server, "https://[2001:db8::1]:6443");
  EXPECT_EQ(config->token_file, files_.path("token"));
}

TEST_F(Credentials, TheTokenNeverGoesToAProxyOnThisMachine) {
  const auto config = find_api("http://127.0.0.1:8001", "", env("", ""));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->server, "http://127.0.0.1:8001");
  EXPECT_EQ(config->token_file + config->token, "");
}

TEST_F(Credentials, ApiServerReplacesTheServerOfAKubeconfig) {
  files_.write("config", R"(
current-context: c
contexts: [{name: c, context: {cluster: k}}]
clusters: [{name: k, cluster: {server: "https://a:1", certificate-authority: ca.crt}}]
)");
  const auto config = find_api("https://b:2", files_.path("config"), env("", ""));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->server, "https://b:2");
  EXPECT_EQ(config->ca.file, files_.path("ca.crt"));
}

TEST(CheckServer, TakesUrlsOfServers) {
  for (const char* good : {"https://10.96.0.1", "https://10.96.0.1:6443", "https://[fd00::1]",
                           "https://[fd00::1]:443", "https://api.example.com/k8s/clusters/c-1",
                           "http://localhost:8001", "http://127.0.0.1:8001", "http://[::1]:8001"}) {
    const auto url = check_server(good);
    ASSERT_TRUE(url) << good << ": " << url.error().what;
    EXPECT_EQ(*url, good);
  }
  EXPECT_EQ(*check_server("https://a///"), "https://a");
}

TEST(CheckServer, RefusesTheRest) {
  for (const char* bad : {"",
                          "10.96.0.1",
                          "https://",
                          "http://",
                          "https:///",
                          "ftp://a",
                          "https://a:0",
                          "https://a:",
                          "https://a:65536",
                          "https://a:x",
                          "https://u:p@a",
                          "https://a?x",
                          "https://a#x",
                          "https://a b",
                          "https://a\r\nX: y",
                          "https://[fd00::1",
                          "https://[fd00::1]x",
                          "https://fd00::1",
                          "https://[]",
                          "https://a\\b",
                          "https://\xc3\xa4"}) {
    EXPECT_FALSE(check_server(bad)) << bad;
  }
}

TEST(CheckServer, PlainHttpStaysOnThisMachine) {
  for (const char* bad : {"http://10.96.0.1", "http://example.com", "http://localhost.evil",
                          "http://0.0.0.0", "http://127.0.0.1.evil.com"}) {
    const auto url = check_server(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_THAT(url.error().what, HasSubstr("in clear"));
  }
}

TEST_F(Credentials, TheTokenIsReadAnewEachMinute) {
  TokenSource tokens = source(files_.path("token"));
  EXPECT_EQ(tokens.get(kStart), "abc.def");
  files_.write("token", "new");
  EXPECT_EQ(tokens.get(kStart + 59s), "abc.def");
  EXPECT_EQ(tokens.get(kStart + 60s), "new");
}

TEST_F(Credentials, TheTokenSurvivesABadFile) {
  TokenSource tokens = source(files_.path("token"));
  EXPECT_EQ(tokens.get(kStart), "abc.def");
  SteadyTime now = kStart;
  for (const std::string& bad :
       {std::string(), std::string(" \n"), std::string("a b"), std::string("a\r\nHost: evil"),
        std::string("a\0b", 3), std::string("\xff"), std::string(100'000, 'x')}) {
    files_.write("token", bad);
    EXPECT_EQ(tokens.get(now += 60s), "abc.def");
  }
  std::filesystem::remove(files_.path("token"));
  EXPECT_EQ(tokens.get(now += 60s), "abc.def");
  EXPECT_EQ(failures(Credential::kToken), 8U);
  files_.write("token", "back");
  EXPECT_EQ(tokens.get(now += 60s), "back");
  EXPECT_EQ(failures(Credential::kToken), 8U);
}

TEST_F(Credentials, ASwappedSymbolicLinkIsFollowed) {  // as the kubelet's ..data
  files_.write("one", "1");
  files_.write("two", "2");
  std::filesystem::create_symlink("one", files_.path("link"));
  TokenSource tokens = source(files_.path("link"));
  EXPECT_EQ(tokens.get(kStart), "1");
  std::filesystem::create_symlink("two", files_.path("next"));
  std::filesystem::rename(files_.path("next"), files_.path("link"));
  EXPECT_EQ(tokens.get(kStart + 60s), "2");
}

TEST_F(Credentials, ARefusedTokenIsReplacedOnlyByAnother) {
  TokenSource tokens = source(files_.path("token"));
  const std::string used = tokens.get(kStart);
  EXPECT_FALSE(tokens.replace(used, kStart));
  files_.write("token", "new");
  EXPECT_TRUE(tokens.replace(used, kStart));
  EXPECT_TRUE(tokens.replace(used, kStart));  // another request has fetched it already
  EXPECT_FALSE(tokens.replace("new", kStart));

  ApiConfig fixed;
  fixed.token = "t";
  TokenSource constant(fixed, metrics_);
  EXPECT_EQ(constant.get(kStart), "t");
  EXPECT_FALSE(constant.replace("t", kStart));
}

TEST_F(Credentials, ADirectoryOrFifoIsNoToken) {
  TokenSource tokens = source(files_.path());
  EXPECT_EQ(tokens.get(kStart), "");
}

TEST_F(Credentials, CertificatesAreReadAnewEachMinuteAndSurviveBadFiles) {
  const std::string begin = "-----BEGIN X-----\n";
  files_.write("ca.crt", begin + "1");
  files_.write("c", begin + "c1");
  files_.write("k", begin + "k1");
  ApiConfig config;
  config.ca.file = files_.path("ca.crt");
  config.client_cert.file = files_.path("c");
  config.client_key.file = files_.path("k");
  PemSource pems(config, metrics_);
  EXPECT_EQ(pems.get(kStart).ca, begin + "1");
  EXPECT_EQ(pems.get(kStart).client_key, begin + "k1");
  const std::uint64_t first = pems.version();
  files_.write("ca.crt", begin + "2");
  EXPECT_EQ(pems.get(kStart + 59s).ca, begin + "1");
  EXPECT_EQ(pems.get(kStart + 60s).ca, begin + "2");
  EXPECT_NE(pems.version(), first);

  const std::uint64_t second = pems.version();
  files_.write("ca.crt", "");
  files_.write("c", begin + "c2");  // the key is not there yet
  std::filesystem::remove(files_.path("k"));
  EXPECT_EQ(pems.get(kStart + 120s), (PemTexts{begin + "2", begin + "c1", begin + "k1"}));
  EXPECT_EQ(pems.version(), second);
  EXPECT_EQ(failures(Credential::kCa), 1U);
  EXPECT_EQ(failures(Credential::kClientCert), 0U);
  EXPECT_EQ(failures(Credential::kClientKey), 1U);
  EXPECT_FALSE(pems.replace(second, kStart + 121s));
  files_.write("k", begin + "k2");
  EXPECT_TRUE(pems.replace(second, kStart + 122s));  // refused: not only after a minute
  EXPECT_EQ(pems.get(kStart + 122s).client_cert, begin + "c2");
  EXPECT_TRUE(pems.replace(second, kStart + 122s));  // another request has fetched it already
}

TEST_F(Credentials, CertificatesGivenAsTextStay) {
  ApiConfig config;
  config.ca = {.file = files_.path("nowhere"), .content = "text"};
  PemSource pems(config, metrics_);
  EXPECT_EQ(pems.get(kStart), (PemTexts{"text", "", ""}));
  EXPECT_EQ(failures(Credential::kCa), 0U);
}

TEST(ClusterEnv, IsThatOfTheProcess) {
  setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
  EXPECT_EQ(cluster_env().host, "10.0.0.1");
  EXPECT_EQ(cluster_env().port, "6443");
  EXPECT_EQ(cluster_env().directory, "/var/run/secrets/kubernetes.io/serviceaccount");
  unsetenv("KUBERNETES_SERVICE_HOST");
  unsetenv("KUBERNETES_SERVICE_PORT");
  EXPECT_EQ(cluster_env().host, "");
}

}  // namespace
}  // namespace kube_nflog
