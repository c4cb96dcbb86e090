// SPDX-License-Identifier: Apache-2.0
// TestCa: certificates made on the spot, as a cluster's CA would, so that no key lies in the tree.
// Used by tests/k8s through TinyServer.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace kube_nflog {

template <auto Free>
struct OpenSslDelete {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslContext = std::shared_ptr<SSL_CTX>;
using SslSession = std::unique_ptr<SSL, OpenSslDelete<SSL_free>>;

struct CertAndKey {
  std::string cert, key;  // PEM
};

class TestCa {
 public:
  explicit TestCa(const std::string& name = "kubernetes")
      : key_(EVP_EC_gen("P-256")), cert_(make(name, key_.get(), "CA:TRUE", "")) {}

  std::string pem() const { return to_pem(cert_.get()); }
  // For a server at 127.0.0.1, or a client: `alternative` is "IP:127.0.0.1" or "DNS:name".
  CertAndKey issue(const std::string& name, const std::string& alternative = "") const {
    const Key key(EVP_EC_gen("P-256"));
    const Cert cert = make(name, key.get(), "CA:FALSE", alternative);
    const Bio bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
              1);
    return {to_pem(cert.get()), text_of(bio.get())};
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, OpenSslDelete<EVP_PKEY_free>>;
  using Cert = std::unique_ptr<X509, OpenSslDelete<X509_free>>;
  using Bio = std::unique_ptr<BIO, OpenSslDelete<BIO_free>>;

  static std::string text_of(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(size)};
  }
  static std::string to_pem(X509* cert) {
    const Bio bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_X509(bio.get(), cert), 1);
    return text_of(bio.get());
  }
  static void extend(X509* cert, int nid, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
  }
  // Signed by us; by itself, while there is no certificate of ours yet.
  Cert make(const std::string& name, EVP_PKEY* key, const std::string& constraints,
            const std::string& alternative) const {
    static long serial = 0;
    Cert cert(X509_new());
    X509_set_version(cert.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), 86'400);
    X509_NAME* const subject = X509_get_subject_name(cert.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(cert.get(), cert_ ? X509_get_subject_name(cert_.get()) : subject);
    X509_set_pubkey(cert.get(), key);
    extend(cert.get(), NID_basic_constraints, constraints);
    if (!alternative.empty()) extend(cert.get(), NID_subject_alt_name, alternative);
    EXPECT_GT(X509_sign(cert.get(), key_.get(), EVP_sha256()), 0);
    return cert;
  }

  Key key_;
  Cert cert_{};
};

struct TlsServerOptions {
  CertAndKey own;
  std::string client_ca{};  // PEM; empty: clients need no certificate
  int max_version = TLS1_3_VERSION;
};

inline SslContext tls_server(const TlsServerOptions& options) {
  SslContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const auto read = [](const std::string& pem) {
    return std::unique_ptr<BIO, OpenSslDelete<BIO_free>>(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  };
  X509* const cert = PEM_read_bio_X509(read(options.own.cert).get(), nullptr, nullptr, nullptr);
  EVP_PKEY* const key =
      PEM_read_bio_PrivateKey(read(options.own.key).get(), nullptr, nullptr, nullptr);
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), cert), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), key), 1);
  X509_free(cert);
  EVP_PKEY_free(key);
  SSL_CTX_set_security_level(context.get(), 0);  // old versions need SHA-1
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), options.max_version);
  constexpr unsigned char kContext[] = "test";
  SSL_CTX_set_session_id_context(context.get(), kContext, sizeof kContext);
  if (!options.client_ca.empty()) {
    X509* const ca = PEM_read_bio_X509(read(options.client_ca).get(), nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca);
    X509_free(ca);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

}  // namespace kube_nflog
