// SPDX-License-Identifier: Apache-2.0
// The wiring diagram: builds everything, hands it down by reference, runs two threads until a
// signal.
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "core/bounded_queue.h"
#include "core/cause_table.h"
#include "core/ingest.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/options.h"
#include "core/unique_fd.h"
#include "k8s/deliver.h"
#include "k8s/event_book.h"
#include "k8s/peer_name.h"
#include "k8s/pod_index.h"
#include "k8s/pod_list.h"
#include "k8s/poller.h"
#include "k8s/stdout_sink.h"
#include "nflog/nflog_source.h"
#include "nflog/privileges.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kQueueCapacity = 8'192;  // summaries on their way from thread 1 to thread 2

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

EventBookOptions book_options(const Options& options, std::mt19937_64& random) {
  EventBookOptions book;
  book.update_interval = options.update_interval;
  book.update_interval_max = options.update_interval_max;
  if (options.sink == SinkChoice::kStdout) book.budget.reset();
  book.run_id = std::to_string(random());
  return book;
}

// Thread 1 ingests, thread 2 delivers, this one waits: for SIGTERM or SIGINT, or for either of them
// to fail.
Result<> run_until_signal(const sigset_t& signals, Ingest& ingest, Deliver& deliver) {
  const UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  const UniqueFd stop_ingest(::eventfd(0, EFD_CLOEXEC));
  Result<> ingested, delivered;
  const auto end_main = [](const Result<>& result) {
    if (!result) ::kill(::getpid(), SIGTERM);
  };
  std::thread t1([&] { end_main(ingested = ingest.run(stop_ingest.get())); });
  std::thread t2([&] { end_main(delivered = deliver.run()); });
  signalfd_siginfo received{};
  while (::read(signal_fd.get(), &received, sizeof received) < 0 && errno == EINTR) {
  }
  log::info("stopping: telling what is pending");
  ::eventfd_write(stop_ingest.get(), 1);
  t1.join();  // its last drops are in the queue now
  deliver.stop();
  t2.join();
  return ingested ? delivered : ingested;
}

Result<> run(const Options& options, const sigset_t& signals) {
  Metrics metrics(options.nflog_groups);
  log::start(log::level_from(options.log_level), metrics.log_lines_dropped);
  std::mt19937_64 random(std::random_device{}());
  const Result<PeerNaming> naming = parse_peer_naming(options.peer_name);
  if (!naming) return fail(naming.error());
  const EventAuthor author{options.event_reason, options.event_component,
                           options.node_name.empty() ? host_name() : options.node_name};

  PodIndex pods;
  EventfdPoller poller;
  Result<std::vector<Pod>> listed = load_pods_file(options.pods_file, naming->label_key);
  if (!listed) return fail(listed.error());
  pods.replace(std::move(*listed), steady_now());
  StdoutSink sink(STDOUT_FILENO, options.format, author, metrics);

  CauseTable causes;
  Result<std::unique_ptr<NflogSource>> source = NflogSource::open(
      {.groups = options.nflog_groups, .rcvbuf_bytes = options.nflog_rcvbuf_bytes, .config = {}},
      causes, metrics);
  if (!source) return fail(source.error());
  if (Result<> dropped = drop_capabilities(Keep::kNothing); !dropped) return dropped;

  BoundedQueue<DropSummary> queue(kQueueCapacity);
  EventBook book(book_options(options, random), metrics);
  std::uniform_real_distribution<double> die(0, 1);
  Deliver deliver({.naming = naming->by}, {.queue = queue,
                                           .pods = pods,
                                           .book = book,
                                           .writer = sink,
                                           .poller = poller,
                                           .metrics = metrics,
                                           .dice = [&] { return die(random); }});
  Ingest ingest(
      {.dedupe = {.window = options.repeat_interval, .seed = random()}, .noise = options.noise},
      **source, queue, metrics, [&] { deliver.wake(); });
  return run_until_signal(signals, ingest, deliver);
}

int explain_and_exit(const Error& error) {
  std::fprintf(stderr, "kube-nflog: %s\n", error.what.c_str());
  return static_cast<int>(error.exit);
}

}  // namespace
}  // namespace kube_nflog

int main(int argc, char** argv) {
  using namespace kube_nflog;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);  // inherited by the threads: only main() takes them
  std::signal(SIGPIPE, SIG_IGN);

  Result<CommandLine> line = parse_command_line(argc, argv, environ);
  if (!line) return explain_and_exit(line.error());
  if (!line->print.empty()) return std::fputs(line->print.c_str(), stdout) < 0 ? 1 : 0;
  const Result<> result = run(line->options, signals);
  return result ? 0 : explain_and_exit(result.error());
}
