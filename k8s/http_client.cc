// SPDX-License-Identifier: Apache-2.0
#include "k8s/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "k8s/credentials.h"
#include "k8s/curl_handle.h"

namespace kube_nflog {

namespace {

constexpr std::chrono::milliseconds kMaxRetryAfter{600'000};  // a wrong clock must not silence us
constexpr std::size_t kMaxRefusal = 64U << 10;  // of what a refused stream says, for messages

struct CurlMultiDelete {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using CurlMulti = std::unique_ptr<CURLM, CurlMultiDelete>;

struct Transfer {
  Http::Id id = 0;
  HttpRequest request;
  Http::Data data;  // null: send()
  Http::Done done;
  std::string token;       // that was sent
  std::uint64_t pems = 0;  // the version of the certificates
  CurlList headers{};
  CurlEasy easy{};  // null: not begun
  std::string body{};
  std::array<char, CURL_ERROR_SIZE> details{};
  std::string error{};  // ours; libcurl's is in `details`
  CURLcode result = CURLE_OK;
  std::size_t max_body = 0;
  bool* called = nullptr;  // tells poll() that a callback ran
  bool cancelled = false;
  bool ended_by_reader = false;
  bool tried_again = false;

  long status() const {
    long code = 0;
    if (easy) curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
};

// libcurl's write callback: runs inside curl_multi_perform().
std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (transfer.cancelled) return CURL_WRITEFUNC_ERROR;
  if (transfer.data && transfer.status() / 100 == 2) {
    *transfer.called = true;
    transfer.ended_by_reader = !transfer.data({bytes, size});
    return transfer.ended_by_reader || transfer.cancelled ? CURL_WRITEFUNC_ERROR : size;
  }
  if (transfer.body.size() + size > transfer.max_body) {
    if (transfer.data) return size;  // enough of that refusal
    transfer.error = "the answer is larger than " + std::to_string(transfer.max_body) + " bytes";
    return CURL_WRITEFUNC_ERROR;
  }
  transfer.body.append(bytes, size);
  return size;
}

// libcurl's header callback: once a line, HTTP/2 included; an empty one ends the head.
std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const bool is_end =
      std::string_view(bytes, size).find_first_not_of("\r\n") == std::string_view::npos;
  if (!is_end || !transfer.data || transfer.cancelled || transfer.status() / 100 != 2) return size;
  *transfer.called = true;
  transfer.ended_by_reader = !transfer.data({});
  return transfer.ended_by_reader || transfer.cancelled ? CURL_WRITEFUNC_ERROR : size;
}

curl_waitfd to_curl(const pollfd& fd) {
  const int events = ((fd.events & POLLIN) != 0 ? CURL_WAIT_POLLIN : 0) |
                     ((fd.events & POLLOUT) != 0 ? CURL_WAIT_POLLOUT : 0);
  return {fd.fd, static_cast<short>(events), 0};
}

// libcurl tells an error or a hang-up as something to read.
short from_curl(short events) {
  return static_cast<short>(((events & CURL_WAIT_POLLIN) != 0 ? POLLIN : 0) |
                            ((events & CURL_WAIT_POLLOUT) != 0 ? POLLOUT : 0));
}

// The server does not know us, or we do not trust the server. OpenSSL calls it a plain TLS error
// where a new CA has the old one's name, as Kubernetes' have.
bool is_distrust(CURLcode result, long status) {
  return status == 401 || result == CURLE_PEER_FAILED_VERIFICATION ||
         result == CURLE_SSL_CONNECT_ERROR || result == CURLE_SSL_CACERT_BADFILE ||
         result == CURLE_SSL_CERTPROBLEM;
}

}  // namespace

class HttpClient::Impl {
 public:
  Impl(CurlMulti multi, CurlTarget target, Metrics& metrics)
      : metrics_(metrics),
        target_(std::move(target)),
        tokens_(target_.config, metrics),
        pems_(target_.config, metrics),
        multi_(std::move(multi)) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, 8L);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 4L);  // idle ones
  }
  ~Impl() {
    for (const auto& [id, transfer] : transfers_) detach(*transfer, transfer->status());
  }

  Id add(HttpRequest request, Data data, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->id = ++last_id_;
    transfer->max_body = data ? kMaxRefusal : target_.options.max_body;
    transfer->request = std::move(request);
    transfer->data = std::move(data);
    transfer->done = std::move(done);
    transfer->called = &called_;
    queued_.push_back(last_id_);
    transfers_.emplace(last_id_, std::move(transfer));
    return last_id_;
  }

  void cancel(Id id) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end() || found->second->cancelled) return;
    if (performing_) {  // libcurl forbids removing from inside its callbacks
      found->second->cancelled = true;
      cancelled_.push_back(id);
    } else {
      drop(found);
    }
  }

  void poll(std::chrono::milliseconds max_wait, PollGuest* guest) {
    called_ = false;
    step();
    const bool enough = called_ || !queued_.empty();
    if (enough && guest == nullptr) return;
    wait(enough ? std::chrono::milliseconds(0) : max_wait, guest);
    if (!enough) step();
  }

  void wake() { curl_multi_wakeup(multi_.get()); }

 private:
  void wait(std::chrono::milliseconds max_wait, PollGuest* guest) {
    std::vector<pollfd> fds;
    if (guest != nullptr) guest->prepare(fds, max_wait);
    std::vector<curl_waitfd> extra;
    extra.reserve(fds.size());
    for (const pollfd& fd : fds) extra.push_back(to_curl(fd));
    const auto time = std::clamp<std::chrono::milliseconds::rep>(max_wait.count(), 0, 600'000);
    curl_multi_poll(multi_.get(), extra.data(), static_cast<unsigned>(extra.size()),
                    static_cast<int>(time), nullptr);
    for (std::size_t i = 0; i < fds.size(); ++i) fds[i].revents = from_curl(extra[i].revents);
    if (guest != nullptr) guest->process(fds);
  }

  using Transfers = std::unordered_map<Id, std::unique_ptr<Transfer>>;

  void step() {
    std::vector<Id> ended;
    for (const Id id : std::exchange(queued_, {})) {
      const auto found = transfers_.find(id);
      if (found != transfers_.end() && !begin(*found->second)) ended.push_back(id);
    }
    performing_ = true;
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    performing_ = false;
    for (const Id id : std::exchange(cancelled_, {})) drop(transfers_.find(id));
    collect(ended);
    for (const Id id : ended) finish(id);
  }

  // False: it has failed already.
  bool begin(Transfer& transfer) {
    if (open_ >= target_.options.max_open) {
      transfer.error = "too many requests to the API server are under way";
      return false;
    }
    transfer.token = tokens_.get(steady_now());
    transfer.headers = curl_headers(transfer.request, transfer.token);
    transfer.easy = curl_easy(target_, transfer.request, pems_.get(steady_now()));
    transfer.pems = pems_.version();
    CURL* const easy = transfer.easy.get();
    if (easy == nullptr) {
      transfer.error = "out of memory";
      return false;
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.details.data());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT,
                     std::exchange(distrusts_connections_, false) ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    if (const CURLMcode added = curl_multi_add_handle(multi_.get(), easy); added != CURLM_OK) {
      transfer.error = curl_multi_strerror(added);
      transfer.easy.reset();
      return false;
    }
    ++open_;
    return true;
  }

  // What did not answer would not answer the next request either: an HTTP/2 connection outlives its
  // streams.
  void leave_connection(Transfer& transfer) {
    curl_easy_setopt(transfer.easy.get(), CURLOPT_FORBID_REUSE, 1L);
    distrusts_connections_ = true;
  }

  // Takes the handle out of libcurl and counts the exchange.
  void detach(Transfer& transfer, long status) {
    if (!transfer.easy) return;
    metrics_.api_requests.at(transfer.request.verb, api_code(status)).add();
    curl_multi_remove_handle(multi_.get(), transfer.easy.get());
    transfer.easy.reset();
    --open_;
  }

  void drop(Transfers::iterator it) {
    if (it->second->easy) leave_connection(*it->second);
    detach(*it->second, it->second->status());
    transfers_.erase(it);
  }

  void collect(std::vector<Id>& ended) {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      transfer->result = message->data.result;
      ended.push_back(transfer->id);
    }
  }

  void finish(Id id) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;  // cancelled by the callback of another
    Transfer& asked = *found->second;
    HttpResponse response = answer(asked);
    if (response.timed_out && asked.easy) leave_connection(asked);
    detach(asked, response.status);
    if (is_distrust(asked.result, response.status) && !asked.tried_again && replace(asked)) {
      asked.tried_again = true;
      asked.body.clear();
      asked.error.clear();
      asked.details.fill('\0');
      asked.result = CURLE_OK;
      queued_.push_back(id);
      return;
    }
    const std::unique_ptr<Transfer> transfer = std::move(found->second);
    transfers_.erase(found);
    called_ = true;
    transfer->done(std::move(response));
  }

  // Whether there are other credentials by now than those that were refused.
  bool replace(const Transfer& asked) {
    const SteadyTime now = steady_now();
    const bool token = asked.result == CURLE_OK && tokens_.replace(asked.token, now);
    return pems_.replace(asked.pems, now) || token;
  }

  HttpResponse answer(Transfer& transfer) const {
    HttpResponse response;
    response.took = curl_time(transfer.easy.get());
    const bool complete =
        transfer.easy && (transfer.result == CURLE_OK || transfer.ended_by_reader);
    if (!complete) {
      response.timed_out = transfer.result == CURLE_OPERATION_TIMEDOUT;
      response.error = !transfer.error.empty()
                           ? transfer.error
                           : curl_failure(target_, transfer.result, transfer.details.data());
      return response;
    }
    response.status = transfer.status();
    response.body = std::move(transfer.body);
    response.date = curl_date(transfer.easy.get());
    curl_off_t seconds = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0) {
      response.retry_after = std::min<std::chrono::milliseconds>(
          std::chrono::seconds(std::min<curl_off_t>(seconds, 86'400)), kMaxRetryAfter);
    }
    return response;
  }

  Metrics& metrics_;
  CurlTarget target_;
  TokenSource tokens_;
  PemSource pems_;
  CurlMulti multi_;
  Transfers transfers_;        // queued or open
  std::vector<Id> queued_;     // to begin at the next step
  std::vector<Id> cancelled_;  // inside libcurl's callbacks: to drop after them
  std::size_t open_ = 0;       // known to libcurl
  Id last_id_ = 0;
  bool performing_ = false;
  bool distrusts_connections_ = false;  // for the next request
  bool called_ = false;
};

Result<std::unique_ptr<HttpClient>> HttpClient::create(ApiConfig config, Metrics& metrics,
                                                       HttpClientOptions options) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  CurlMulti multi(curl_multi_init());
  if (initialised != CURLE_OK || !multi) return fail("libcurl cannot start: out of memory");
  Result<CurlTarget> target = curl_target(std::move(config), options);
  if (!target) return fail(target.error());
  return std::unique_ptr<HttpClient>(
      new HttpClient(std::make_unique<Impl>(std::move(multi), std::move(*target), metrics)));
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

Http::Id HttpClient::send(HttpRequest request, Done done) {
  return impl_->add(std::move(request), nullptr, std::move(done));
}
Http::Id HttpClient::stream(HttpRequest request, Data data, Done done) {
  return impl_->add(std::move(request), std::move(data), std::move(done));
}
void HttpClient::cancel(Id id) { impl_->cancel(id); }
void HttpClient::poll(std::chrono::milliseconds max_wait) { impl_->poll(max_wait, guest_); }
void HttpClient::wake() { impl_->wake(); }

}  // namespace kube_nflog
