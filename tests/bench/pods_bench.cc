// SPDX-License-Identifier: Apache-2.0
// What Pods cost: reading a list of them, beside RapidJSON's own DOM on the same bytes; the memory
// of a Pod in the index; a look-up there; an event of the watch.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "k8s/pod_index.h"
#include "k8s/pod_json.h"
#include "k8s/pod_list.h"

namespace kube_nflog {
namespace {

using benchmark::Counter;
using benchmark::State;

constexpr std::size_t kListed = 1'000;
constexpr std::size_t kPiece = 16'384;  // libcurl hands over so much at a time

// The first Pod of the fixture, as numbers give it a name, a uid and an address of its own.
class PodWriter {
 public:
  PodWriter() {
    std::ifstream file(FIXTURES "k8s/pod_list.json", std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    JsonItems items([this](std::string_view item) {
      if (pod_.empty()) pod_ = item;
    });
    if (!items.feed(text) || pod_.empty()) std::abort();
  }

  std::string write(std::size_t number) const {
    const std::string unique = std::to_string(1'000'000 + number);
    std::string pod = pod_;
    replace(pod, "5d9c7b6f48-x2x7k", "5d9c7b6f48-" + unique);
    replace(pod, "1f6c3f1d0001", "1f6c3" + unique);
    replace(pod, "10.1.2.3", address(number).to_string());
    replace(pod, "2001:db8:1::3", "2001:db8:1::" + unique.substr(0, 4) + ':' + unique.substr(4));
    replace(pod, "\"worker-1\"", "\"worker-" + std::to_string(number / 110) + '"');
    return pod;
  }

  std::string list(std::size_t pods) const {
    std::string list = R"({"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[)";
    for (std::size_t i = 0; i < pods; ++i) list.append(i == 0 ? "" : ",").append(write(i));
    return list + "]}";
  }

  static IpAddr address(std::size_t number) {
    const auto byte = [number](int shift) {
      return static_cast<std::byte>(number >> shift & 0xff);
    };
    const std::array<std::byte, 4> bytes{std::byte{10}, byte(16), byte(8), byte(0)};
    return IpAddr::v4(bytes);
  }

 private:
  static void replace(std::string& text, std::string_view from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }

  std::string pod_;
};

double heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

void report(State& state, const std::string& list, double held) {
  const auto rate = [](double amount) {
    return Counter(amount, Counter::kIsIterationInvariantRate);
  };
  state.counters["Pods/s"] = rate(kListed);
  state.counters["MB/s"] = rate(static_cast<double>(list.size()) / 1e6);
  state.counters["KB held"] = held / 1e3;  // besides the Pods, while the list is read
}

void ListBySax(State& state) {
  const std::string list = PodWriter().list(kListed);
  std::size_t pods = 0;
  double held = 0;
  for ([[maybe_unused]] auto _ : state) {
    const double before = state.iterations() == 0 ? heap_bytes() : 0;
    PodListReader reader("", [&pods](const Pod& pod) { pods += pod.ips.size(); });
    for (std::string_view rest = list; !rest.empty();) {
      if (!reader.feed(rest.substr(0, kPiece))) std::abort();
      rest.remove_prefix(std::min(kPiece, rest.size()));
    }
    held = std::max(held, heap_bytes() - before);
    if (!reader.finish()) std::abort();
  }
  benchmark::DoNotOptimize(pods);
  report(state, list, held);
}
BENCHMARK(ListBySax)
    ->Name("list of 1,000 Pods: ours (SAX, in pieces)")
    ->Unit(benchmark::kMillisecond);

const rapidjson::Value* member(const rapidjson::Value* object, const char* name) {
  if (object == nullptr || !object->IsObject()) return nullptr;
  const auto found = object->FindMember(name);
  return found == object->MemberEnd() ? nullptr : &found->value;
}
std::string text(const rapidjson::Value* value) {
  return value != nullptr && value->IsString()
             ? std::string(value->GetString(), value->GetStringLength())
             : std::string();
}

// The least that a reader by DOM must do for the same Pods; it checks no name.
Pod pod_by_dom(const rapidjson::Value& item) {
  const rapidjson::Value* const meta = member(&item, "metadata");
  const rapidjson::Value* const status = member(&item, "status");
  Pod pod;
  pod.ns = text(member(meta, "namespace"));
  pod.name = text(member(meta, "name"));
  pod.uid = text(member(meta, "uid"));
  pod.template_hash = text(member(member(meta, "labels"), "pod-template-hash"));
  pod.node_name = text(member(member(&item, "spec"), "nodeName"));
  if (const rapidjson::Value* const owners = member(meta, "ownerReferences")) {
    for (const rapidjson::Value& owner : owners->GetArray()) {
      if (member(&owner, "controller") == nullptr) continue;
      pod.owner_kind = text(member(&owner, "kind"));
      pod.owner_name = text(member(&owner, "name"));
    }
  }
  if (const rapidjson::Value* const ips = member(status, "podIPs")) {
    for (const rapidjson::Value& ip : ips->GetArray()) {
      if (const auto parsed = IpAddr::parse(text(member(&ip, "ip")))) pod.ips.push_back(*parsed);
    }
  }
  return pod;
}

void ListByDom(State& state) {
  const std::string list = PodWriter().list(kListed);
  std::size_t pods = 0;
  double held = 0;
  for ([[maybe_unused]] auto _ : state) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(list.data(), list.size());
    if (document.HasParseError()) std::abort();
    for (const rapidjson::Value& item : document["items"].GetArray()) {
      pods += pod_by_dom(item).ips.size();
    }
    // A DOM needs the whole text as well.
    held = static_cast<double>(document.GetAllocator().Capacity() + list.size());
  }
  benchmark::DoNotOptimize(pods);
  report(state, list, held);
}
BENCHMARK(ListByDom)->Name("list of 1,000 Pods: RapidJSON's DOM")->Unit(benchmark::kMillisecond);

std::vector<Pod> parsed_pods(std::size_t number) {
  const PodWriter writer;
  std::vector<Pod> pods;
  for (std::size_t i = 0; i < number; ++i) {
    Result<Pod> pod = parse_pod(writer.write(i), "");
    if (!pod) std::abort();
    pods.push_back(std::move(*pod));
  }
  return pods;
}

void Indexing(State& state) {
  const auto number = static_cast<std::size_t>(state.range(0));
  double bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    std::optional<std::vector<Pod>> pods(parsed_pods(number));
    const double before = heap_bytes();
    std::optional<PodIndex> index(std::in_place);
    state.ResumeTiming();
    for (const Pod& pod : *pods) index->upsert(pod, steady_now());
    state.PauseTiming();
    bytes = heap_bytes() - before;
    pods.reset();
    index.reset();
    state.ResumeTiming();
  }
  state.counters["bytes/Pod"] = bytes / static_cast<double>(number);
  state.counters["Pods/s"] =
      Counter(static_cast<double>(number), Counter::kIsIterationInvariantRate);
}
BENCHMARK(Indexing)
    ->Name("index, dual stack")
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Half of the addresses asked for are no Pod's.
void Lookup(State& state) {
  const auto number = static_cast<std::size_t>(state.range(0));
  const SteadyTime now = steady_now();
  PodIndex index;
  index.replace(parsed_pods(number), now);
  std::size_t at = 0, found = 0;
  for ([[maybe_unused]] auto _ : state) {
    at += 7'919;
    if (at >= 2 * number) at %= 2 * number;
    found += index.find(PodWriter::address(at), now).pod ? 1 : 0;
  }
  benchmark::DoNotOptimize(found);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Lookup)->Name("look-up by address")->Arg(110)->Arg(100'000);

void WatchEvents(State& state) {
  constexpr std::size_t kPods = 1'000;
  const PodWriter writer;
  PodIndex index;
  index.replace(parsed_pods(kPods), steady_now());
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < kPods; ++i) {
    lines.push_back(R"({"type":"MODIFIED","object":)" + writer.write(i) + '}');
  }
  std::size_t at = 0;
  for ([[maybe_unused]] auto _ : state) {
    Result<WatchLine> line = parse_watch_line(lines[++at % kPods], "");
    if (!line || !line->pod) std::abort();
    index.upsert(std::move(*line->pod), steady_now());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WatchEvents)->Name("watch event, parsed and indexed");

}  // namespace
}  // namespace kube_nflog

BENCHMARK_MAIN();
