// SPDX-License-Identifier: Apache-2.0
// The wiring diagram: builds everything, hands it down by reference, runs two threads until a
// signal.
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/bounded_queue.h"
#include "core/cause_table.h"
#include "core/check.h"
#include "core/cut.h"
#include "core/ingest.h"
#include "core/interface_table.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/options.h"
#include "core/running_flags.h"
#include "core/start_up_pages.h"
#include "core/terminal.h"
#include "core/unique_fd.h"
#include "k8s/check_cluster.h"
#include "k8s/cluster.h"
#include "k8s/deliver.h"
#include "k8s/event_book.h"
#include "k8s/probe_server.h"
#include "k8s/state_keeper.h"
#include "nflog/check_node.h"
#include "nflog/open_source.h"
#include "nflog/privileges.h"

namespace kube_nflog {
namespace {

constexpr std::size_t kQueueCapacity = 8'192;   // summaries on their way from thread 1 to thread 2
constexpr std::size_t kWorkloadSeries = 1'000;  // of --metrics-by=workload

DeliverOptions deliver_options(const Options& options, PeerStyle style) {
  DeliverOptions deliver{.style = style};
  if (options.sink == SinkChoice::kStdout) deliver.flush_writes = EventBookOptions().capacity;
  return deliver;
}

EventBookOptions book_options(const Options& options, std::uint64_t run) {
  EventBookOptions book;
  book.update_interval = options.update_interval;
  book.update_interval_max = options.update_interval_max;
  book.refusal = options.refused_interval;
  book.budget = EventRates{.node = {options.node_event_burst, options.node_event_interval},
                           .pod = {options.pod_event_burst, options.pod_event_interval}};
  if (options.sink == SinkChoice::kStdout) {  // whoever reads it gets everything
    book.budget.reset();
    book.waiting_per_pod = book.capacity;
  }
  book.run_id = std::to_string(run);
  return book;
}

// Where an earlier process was, if --state-dir tells; else this is where a next one could begin.
void go_on(OpenedSource& opened, StateKeeper& keeper, Deliver& deliver,
           std::chrono::milliseconds expire, CauseTable& causes, InterfaceTable& interfaces) {
  std::optional<SavedState> saved;
  if (opened.stored) saved = keeper.load(*opened.stored, causes, interfaces);
  const bool is_new = !saved.has_value();
  if (saved) {
    // Lines that are too old to be told again are not read again.
    const bool exact = opened.source->resumed() && system_now() - saved->time < expire;
    deliver.restore(std::move(*saved), exact);
  }
  const std::optional<std::string> position = opened.source->position();
  if (!position) return;
  keeper.start_at(*position);
  if (is_new) deliver.save(steady_now());
}

// Answers on a thread of its own, from atomics alone, so that it tells the truth when others hang.
Result<std::unique_ptr<ProbeServer>> serve_probes(const std::string& listen, const Metrics& metrics,
                                                  const Ingest& ingest, const Deliver& deliver) {
  if (listen.empty()) return std::unique_ptr<ProbeServer>();
  const auto not_live = [&ingest, &deliver]() -> std::string {
    const SteadyTime now = steady_now();
    if (ingest.heartbeat().is_late(now)) return "the ingest thread hangs";
    return deliver.heartbeat().is_late(now) ? "the deliver thread hangs" : "";
  };
  const auto not_ready = [&deliver, &metrics]() -> std::string {
    if (!metrics.reads_a_source()) return "there is no source to read yet";
    return deliver.synced() ? "" : "the Pods are not listed yet";
  };
  return ProbeServer::start(listen,
                            {.metrics = [&metrics](Metrics::Format f) { return metrics.render(f); },
                             .not_live = not_live,
                             .not_ready = not_ready});
}

// And, once all that a start takes is over, gives back what of it nobody will use again.
void wait_for_signal(int signal_fd) {
  constexpr int kStartTakes = 60'000;  // ms, at most
  pollfd ready{signal_fd, POLLIN, 0};
  if (::poll(&ready, 1, kStartTakes) == 0) give_back_start_up_pages();
  signalfd_siginfo signal{};
  while (::read(signal_fd, &signal, sizeof signal) < 0 && errno == EINTR) {
  }
}

// Thread 1 ingests, thread 2 delivers, this one waits: for a signal, or for one of them to fail.
Result<> run_until_signal(const sigset_t& signals, const std::string& listen,
                          const Metrics& metrics, Ingest& ingest, Deliver& deliver) {
  const UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  const UniqueFd stop_ingest(::eventfd(0, EFD_CLOEXEC));
  if (!signal_fd || !stop_ingest) return fail("cannot make the descriptors to stop by");
  Result<> ingested, delivered;
  const auto end_if_failed = [](const Result<>& result) {
    if (!result) ::kill(::getpid(), SIGTERM);
  };
  std::thread thread1([&] {
    ::pthread_setname_np(::pthread_self(), "ingest");  // for top -H and scripts/bench
    end_if_failed(ingested = ingest.run(stop_ingest.get()));
  });
  // What the source still needs, thread 1 alone keeps. Those that talk to the network start bare.
  end_if_failed(delivered = drop_capabilities(Keep::kNothing));
  const Result<std::unique_ptr<ProbeServer>> probes =
      serve_probes(listen, metrics, ingest, deliver);
  if (!probes) end_if_failed(delivered = fail(probes.error()));
  std::thread thread2([&] {
    ::pthread_setname_np(::pthread_self(), "deliver");
    if (delivered) end_if_failed(delivered = deliver.run());
  });
  wait_for_signal(signal_fd.get());
  log::info("stopping: telling what is pending");
  ::eventfd_write(stop_ingest.get(), 1);
  thread1.join();  // its last drops are in the queue now
  deliver.stop();
  thread2.join();
  log::info("stopped: " + metrics.ledger());
  return ingested ? delivered : ingested;
}

Result<> run(const Options& options, const sigset_t& signals) {
  Metrics metrics(options.nflog_groups,
                  options.metrics_by == MetricsBy::kWorkload ? kWorkloadSeries : 0);
  log::start(log::level_from(options.log_level), options.log_format, metrics.log_lines_dropped);
  for (const std::string& remark : options.remarks) log::info(remark);
  std::mt19937_64 random(std::random_device{}());
  const std::function<double()> dice = [twister = std::mt19937_64(random())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(twister);  // thread 2's own
  };

  Result<std::unique_ptr<Cluster>> cluster = Cluster::open(options, metrics, dice);
  if (!cluster) return fail(cluster.error());
  CauseTable causes;
  Result<OpenedSource> opened = open_source(options, causes, metrics);
  if (!opened) return fail(opened.error());
  if (Result<> dropped = drop_capabilities(opened->keep); !dropped) return dropped;

  BoundedQueue<DropSummary> queue(kQueueCapacity);
  Cut cut;
  InterfaceTable interfaces;  // of an earlier process's drops
  std::optional<StateKeeper> keeper;
  if (opened->file) keeper.emplace(std::move(*opened->file), cut, opened->stored.has_value());
  EventBook book(book_options(options, random()), metrics);
  Deliver deliver(deliver_options(options, (*cluster)->style()),
                  {.queue = queue,
                   .pods = (*cluster)->pods(),
                   .feed = (*cluster)->feed(),
                   .lookups = (*cluster)->lookups(),
                   .book = book,
                   .writer = (*cluster)->writer(),
                   .poller = (*cluster)->poller(),
                   .metrics = metrics,
                   .keeper = keeper ? &*keeper : nullptr,
                   .dice = dice});
  if (keeper) go_on(*opened, *keeper, deliver, options.expire, causes, interfaces);
  Ingest ingest(
      {.dedupe = {.window = options.repeat_interval, .seed = random()}, .noise = options.noise},
      *opened->source, queue, metrics, [&] { deliver.wake(); }, keeper ? &cut : nullptr);
  return run_until_signal(signals, options.listen, metrics, ingest, deliver);
}

int explain_and_exit(const Error& error, log::Format format = log::Format::kText) {
  if (format == log::Format::kJson)
    log::error(error.what);
  else
    std::fprintf(stderr, "kube-nflog: %s\n", error.what.c_str());
  return static_cast<int>(error.exit);
}

// --check: what a start with these options needs, one line each.
int check(const CommandLine& line, const std::string& borrowed) {
  Counter unused;
  log::start(log::Level::kError, line.options.log_format, unused);  // findings, not a log
  Findings findings;
  if (!borrowed.empty()) findings.info("flags", "Those of the agent that runs here:" + borrowed);
  findings.add(check_node(line.options));
  findings.add(check_cluster(line.options));
  const std::string text = print(findings, terminal_of(STDOUT_FILENO).colour);
  return std::fputs(text.c_str(), stdout) < 0 || findings.any_failed() ? 1 : 0;
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

  std::vector<const char*> words(argv, argv + argc);
  Result<CommandLine> line = parse_command_line(argc, words.data(), environ);
  const std::vector<std::string> running =
      line && line->check && argc == 2 ? flags_of_the_running_agent() : std::vector<std::string>();
  std::string borrowed;
  for (const std::string& flag : running) {
    borrowed += " " + flag;
    words.push_back(flag.c_str());
  }
  if (!running.empty())
    line = parse_command_line(static_cast<int>(words.size()), words.data(), environ);
  if (!line) return explain_and_exit(line.error());
  if (!line->print.empty()) return std::fputs(line->print.c_str(), stdout) < 0 ? 1 : 0;
  if (line->check) return check(*line, borrowed);
  const Result<> result = run(line->options, signals);
  return result ? 0 : explain_and_exit(result.error(), line->options.log_format);
}
