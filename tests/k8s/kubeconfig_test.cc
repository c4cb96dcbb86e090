// SPDX-License-Identifier: Apache-2.0
#include "k8s/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/temporary_directory.h"
#include "tests/k8s/fixture.h"

namespace kube_nflog {
namespace {

using testing::HasSubstr;

constexpr const char* kFile = "/home/me/.kube/config";

// A kubeconfig whose cluster and user are these.
std::string with(const std::string& cluster, const std::string& user) {
  return "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: "
         "[{name: k, cluster: {" +
         cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
}
std::string why(const std::string& text) {
  const auto config = parse_kubeconfig(text, kFile);
  EXPECT_FALSE(config) << text;
  if (config) return {};
  EXPECT_EQ(config.error().exit, Exit::kConfig);
  EXPECT_THAT(config.error().what, HasSubstr(kFile));
  return config.error().what;
}

TEST(Kubeconfig, ReadsWhatKubectlWrites) {
  const auto config = parse_kubeconfig(fixture("k8s/kubeconfig.yaml"), kFile);
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->server, "https://192.0.2.10:6443");
  EXPECT_EQ(config->ca.content, "-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(config->client_cert.content, "certificate");
  EXPECT_EQ(config->client_key.file, "/etc/kube/admin.key");
  EXPECT_EQ(config->token_file + config->token, "");
  EXPECT_EQ(config->origin, std::string("kubeconfig ") + kFile);
}

TEST(Kubeconfig, ReadsJson) {
  const auto config = parse_kubeconfig(
      R"({"kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"k",)"
      R"("user":"u"}}],"clusters":[{"name":"k","cluster":{"server":"https://a:1"}}],)"
      R"("users":[{"name":"u","user":{"token":"t"}}]})",
      kFile);
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->token, "t");
}

TEST(Kubeconfig, FilesAreRelativeToItsOwnPlace) {
  const auto config = parse_kubeconfig(
      with("server: 'https://a', certificate-authority: pki/ca.crt, tls-server-name: kubernetes, "
           "proxy-url: 'http://p:3128'",
           "tokenFile: token, client-certificate: /abs/c, client-key: k"),
      kFile);
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->ca.file, "/home/me/.kube/pki/ca.crt");
  EXPECT_EQ(config->token_file, "/home/me/.kube/token");
  EXPECT_EQ(config->client_cert.file, "/abs/c");
  EXPECT_EQ(config->client_key.file, "/home/me/.kube/k");
  EXPECT_EQ(config->tls_server_name, "kubernetes");
  EXPECT_EQ(config->proxy, "http://p:3128");
  EXPECT_FALSE(config->insecure_skip_tls_verify);
  const auto here = parse_kubeconfig(with("server: 'https://a'", "tokenFile: token"), "config");
  ASSERT_TRUE(here);
  EXPECT_EQ(here->token_file, "token");
}

TEST(Kubeconfig, OfManyContextsTheCurrentOneCounts) {
  const auto config = parse_kubeconfig(R"(
current-context: b
contexts:
- {name: a, context: {cluster: ka, user: ua}}
- {name: b, context: {cluster: kb, user: ub, namespace: x}}
- {name: b, context: {cluster: ka, user: ua}}
clusters: [{name: ka, cluster: {server: "https://a"}}, {name: kb, cluster: {server: "https://b"}}]
users: [{name: ua, user: {exec: {command: no}}}, {name: ub, user: {token: t, tokenFile: f}}]
)",
                                       kFile);
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->server, "https://b");
  EXPECT_EQ(config->token_file, "/home/me/.kube/f");  // wins over the token, see TokenSource
}

TEST(Kubeconfig, TheDataWinsOverTheFile) {
  const auto config = parse_kubeconfig(
      with("server: 'https://a', certificate-authority: ca, certificate-authority-data: Zm9v, "
           "disable-compression: true",
           "client-certificate: c, client-certificate-data: Zg==, client-key: k, "
           "client-key-data: Zm8="),
      kFile);
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->ca.content, "foo");
  EXPECT_EQ(config->client_cert.content, "f");
  EXPECT_EQ(config->client_key.content, "fo");
  EXPECT_TRUE(config->disable_compression);
}

TEST(Kubeconfig, SkippingVerificationIsAChoice) {
  const auto config = parse_kubeconfig(
      with("server: 'https://a', insecure-skip-tls-verify: true", "token: t"), kFile);
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->insecure_skip_tls_verify);
}

TEST(Kubeconfig, WaysThatAnAgentCannotGoAreRefused) {
  for (const char* user :
       {"exec: {command: aws}", "auth-provider: {name: gcp}", "username: u, password: p"}) {
    EXPECT_THAT(why(with("server: 'https://a'", user)), HasSubstr("an agent cannot do"));
  }
}

TEST(Kubeconfig, EveryFailureSaysWhatIsWrong) {
  EXPECT_THAT(why(""), HasSubstr("no current-context"));
  EXPECT_THAT(why("just text"), HasSubstr("no current-context"));
  EXPECT_THAT(why("a: [b"), HasSubstr("not YAML"));
  EXPECT_THAT(why("a: &a [*a, *b]"), HasSubstr("not YAML"));
  EXPECT_THAT(why("{{{{"), HasSubstr("not YAML"));
  EXPECT_THAT(why("current-context: x"), HasSubstr("no context named x"));
  EXPECT_THAT(why("current-context: x\ncontexts: {x: y}"), HasSubstr("no context named x"));
  EXPECT_THAT(why("current-context: c\ncontexts: [{name: c, context: {cluster: k}}]"),
              HasSubstr("no cluster"));
  EXPECT_THAT(why("current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                  "clusters: [{name: k, cluster: {server: 'https://a'}}]"),
              HasSubstr("no user"));
  EXPECT_THAT(why(with("", "token: t")), HasSubstr("its server"));
  EXPECT_THAT(why(with("server: 'http://192.0.2.1'", "token: t")), HasSubstr("in clear"));
  EXPECT_THAT(why(with("server: 'https://a', certificate-authority-data: '%%'", "token: t")),
              HasSubstr("not base64"));
  EXPECT_THAT(why(with("server: 'https://a', proxy-url: 'p:3128'", "token: t")),
              HasSubstr("proxy-url"));
  EXPECT_THAT(why(with("server: 'https://a'", "client-certificate-data: YQ==")),
              HasSubstr("without a client-key"));
}

TEST(Kubeconfig, AMissingFileIsNamed) {
  const auto config = load_kubeconfig("/nonexistent/config");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().exit, Exit::kConfig);
  EXPECT_THAT(config.error().what, HasSubstr("/nonexistent/config: No such file"));
}

TEST(Kubeconfig, AFileItNamesMustBeThere) {
  const TemporaryDirectory files;
  files.write("config", with("server: 'https://a', certificate-authority: ca.crt", "token: t"));
  const auto config = load_kubeconfig(files.path("config"));
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().what, HasSubstr(files.path("ca.crt") + ": No such file"));
  files.write("ca.crt", "PEM");
  EXPECT_TRUE(load_kubeconfig(files.path("config")));
}

TEST(Base64, DecodesTheVectorsOfRfc4648) {
  EXPECT_EQ(*decode_base64(""), "");
  EXPECT_EQ(*decode_base64("Zg=="), "f");
  EXPECT_EQ(*decode_base64("Zm8="), "fo");
  EXPECT_EQ(*decode_base64("Zm9v"), "foo");
  EXPECT_EQ(*decode_base64("Zm9vYg=="), "foob");
  EXPECT_EQ(*decode_base64("Zm9vYmE="), "fooba");
  EXPECT_EQ(*decode_base64("Zm9v\nYmFy\n"), "foobar");
  EXPECT_EQ(*decode_base64("+/+/"), "\xfb\xff\xbf");
  for (const char* bad :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "=", "Zm9v=", "Zg==Zg==", "Zm-_", "\xff"}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

}  // namespace
}  // namespace kube_nflog
