// SPDX-License-Identifier: Apache-2.0
// What HttpClient trusts, and how it shows who it is, also while both rotate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "k8s/http_client.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/fakes/test_tls.h"
#include "tests/fakes/tiny_server.h"
#include "tests/k8s/ask.h"

namespace kube_nflog {
namespace {

using testing::HasSubstr;

class HttpTls : public testing::Test {
 protected:
  SslContext server_at(const std::string& alternative, const TestCa& ca) const {
    return tls_server({.own = ca.issue("server", alternative)});
  }
  ApiConfig config_for(const TinyServer& server) const {
    ApiConfig config;
    config.server = server.url();
    config.ca.content = ca_.pem();
    return config;
  }
  HttpResponse ask_once(const ApiConfig& config) {
    return ask(*client_for(config, metrics_), {.path = "/"});
  }

  const std::string here_ = "IP:127.0.0.1";
  TestCa ca_;
  TemporaryDirectory files_;
  Metrics metrics_;
};

TEST_F(HttpTls, TheServerMustBeOfTheCaAndOfThatAddress) {
  TinyServer server(always(TinyServer::answer(200, "hello")), server_at(here_, ca_));
  ApiConfig config = config_for(server);
  EXPECT_EQ(ask_once(config).body, "hello");

  server.use(server_at(here_, TestCa("another")));
  EXPECT_THAT(ask_once(config).error, HasSubstr("its certificate is not trusted"));
  server.use(server_at(here_, TestCa()));  // of the same name, as those of clusters often are
  EXPECT_THAT(ask_once(config).error, HasSubstr("is the CA the one that signed"));
  config.insecure_skip_tls_verify = true;
  EXPECT_EQ(ask_once(config).body, "hello");
  config.insecure_skip_tls_verify = false;

  server.use(server_at("DNS:kubernetes.default", ca_));
  EXPECT_THAT(ask_once(config).error, HasSubstr("its certificate is not trusted"));
  config.tls_server_name = "kubernetes.default";
  EXPECT_EQ(ask_once(config).body, "hello");

  config.ca = {};  // the system's do not know it
  EXPECT_THAT(ask_once(config).error, HasSubstr("its certificate is not trusted"));
  config.ca.file = files_.path("nowhere");  // which is not the same as none
  EXPECT_THAT(ask_once(config).error, HasSubstr("the CA file " + config.ca.file));
  EXPECT_EQ(server.requests().size(), 3U);  // no token went to any of the others
}

TEST_F(HttpTls, SpeaksNothingOlderThanTls12) {
  TinyServer server(always(TinyServer::answer(200, "hello")),
                    tls_server({.own = ca_.issue("s", here_), .max_version = TLS1_1_VERSION}));
  const ApiConfig config = config_for(server);
  EXPECT_THAT(ask_once(config).error, HasSubstr("TLS 1.2"));
  server.use(tls_server({.own = ca_.issue("s", here_), .max_version = TLS1_2_VERSION}));
  EXPECT_EQ(ask_once(config).body, "hello");
}

TEST_F(HttpTls, ARotatedCaIsTrustedAtOnce) {
  TinyServer server(always(TinyServer::answer(200, "hello")), server_at(here_, ca_));
  ApiConfig config = config_for(server);
  config.ca.content.clear();
  config.ca.file = files_.path("ca.crt");
  files_.write("ca.crt", ca_.pem());
  const auto client = client_for(config, metrics_);
  EXPECT_EQ(ask(*client, {.path = "/"}).body, "hello");

  const TestCa next;
  server.use(server_at(here_, next));
  server.hang_up();
  EXPECT_EQ(ask(*client, {.path = "/"}).status, 0);  // the file still says the old one
  files_.write("ca.crt", next.pem());
  EXPECT_EQ(ask(*client, {.path = "/"}).body, "hello");
  files_.write("ca.crt", "being written");
  server.hang_up();
  EXPECT_EQ(ask(*client, {.path = "/"}).body, "hello");
}

// On the connection of the old certificate it would be the old client for ever.
TEST_F(HttpTls, ARotatedClientCertificateIsShownOnANewConnection) {
  const auto greet = [](const Connection& connection, const std::string&) {
    const std::string name = connection.client_name();
    return connection.write(TinyServer::answer(name == "revoked" ? 401 : 200, name));
  };
  const TinyServer server(greet,
                          tls_server({.own = ca_.issue("server", here_), .client_ca = ca_.pem()}));
  const auto rotate = [this](const std::string& name) {
    const CertAndKey client = ca_.issue(name);
    files_.write("cert", client.cert);
    files_.write("key", client.key);
  };
  ApiConfig config = config_for(server);
  config.client_cert.file = files_.path("cert");
  config.client_key.file = files_.path("key");
  EXPECT_THAT(ask_once(config).error, HasSubstr("the client certificate"));
  rotate("revoked");
  const auto client = client_for(config, metrics_);
  EXPECT_EQ(ask(*client, {.path = "/"}).status, 401);
  const std::size_t connections = server.connections();
  EXPECT_EQ(ask(*client, {.path = "/"}).status, 401);
  EXPECT_EQ(server.connections(), connections);
  rotate("fresh");
  EXPECT_EQ(ask(*client, {.path = "/"}).body, "fresh");
  EXPECT_EQ(server.requests().size(), 4U);
  EXPECT_EQ(server.connections(), connections + 1);
}

}  // namespace
}  // namespace kube_nflog
