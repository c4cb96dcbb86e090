// SPDX-License-Identifier: Apache-2.0
#include "k8s/pod_json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <array>
#include <utility>
#include <vector>

#include "core/printable.h"
#include "k8s/names.h"
#include "k8s/rfc3339.h"

namespace kube_nflog {

namespace {

constexpr std::size_t kMaxIps = 16;           // the API server allows two
constexpr std::size_t kMaxVersion = 256;      // of a resourceVersion
constexpr std::size_t kMaxContinue = 16'384;  // of a continue token
constexpr std::size_t kMaxMessage = 512;

// What the documents may hold that we look at.
struct Picked {
  std::string type, kind, api_status, reason, message, resource_version, continue_token;
  std::string uid, name, ns, created, template_hash, label, mirror_uid, owner_kind, owner_name;
  std::string node_name, phase, pod_ip, host_ip, cluster_ip;
  std::vector<std::string> pod_ips, host_ips;
  int code = 0;
  bool host_network = false;
  // The element of ownerReferences, podIPs or hostIPs that is being read.
  std::string element_kind, element_name, element_ip;
  bool element_controller = false;
};

// Where in the document we are.
enum class Place : std::uint8_t {
  kSkip,
  kLine,
  kObject,
  kMeta,
  kLabels,
  kAnnotations,
  kOwners,
  kSpec,
  kStatus,
  kPodIps,
  kHostIps
};

// What a member of a place is: another place, or a value to pick.
struct Member {
  Place at;
  std::string_view key;
  Place into = Place::kSkip;
  std::string Picked::*text = nullptr;
  bool Picked::*flag = nullptr;
  int Picked::*number = nullptr;
};

// Pod, Service, their lists, Status and the watch's wrapping, in one table: their members do not
// collide.
constexpr std::array kMembers = {
    Member{Place::kLine, "type", {}, &Picked::type},
    Member{Place::kLine, "object", Place::kObject},
    Member{Place::kObject, "kind", {}, &Picked::kind},
    Member{Place::kObject, "metadata", Place::kMeta},
    Member{Place::kObject, "spec", Place::kSpec},
    Member{Place::kObject, "status", Place::kStatus},
    Member{Place::kObject, "code", {}, {}, {}, &Picked::code},
    Member{Place::kObject, "reason", {}, &Picked::reason},
    Member{Place::kObject, "message", {}, &Picked::message},
    Member{Place::kMeta, "uid", {}, &Picked::uid},
    Member{Place::kMeta, "name", {}, &Picked::name},
    Member{Place::kMeta, "namespace", {}, &Picked::ns},
    Member{Place::kMeta, "creationTimestamp", {}, &Picked::created},
    Member{Place::kMeta, "resourceVersion", {}, &Picked::resource_version},
    Member{Place::kMeta, "continue", {}, &Picked::continue_token},
    Member{Place::kMeta, "labels", Place::kLabels},
    Member{Place::kMeta, "annotations", Place::kAnnotations},
    Member{Place::kMeta, "ownerReferences", Place::kOwners},
    Member{Place::kLabels, "pod-template-hash", {}, &Picked::template_hash},
    Member{Place::kLabels, "rollouts-pod-template-hash", {}, &Picked::template_hash},  // Argo's
    Member{Place::kAnnotations, "kubernetes.io/config.mirror", {}, &Picked::mirror_uid},
    Member{Place::kOwners, "kind", {}, &Picked::element_kind},
    Member{Place::kOwners, "name", {}, &Picked::element_name},
    Member{Place::kOwners, "controller", {}, {}, &Picked::element_controller},
    Member{Place::kSpec, "nodeName", {}, &Picked::node_name},
    Member{Place::kSpec, "hostNetwork", {}, {}, &Picked::host_network},
    Member{Place::kSpec, "clusterIP", {}, &Picked::cluster_ip},
    Member{Place::kStatus, "phase", {}, &Picked::phase},
    Member{Place::kStatus, "podIP", {}, &Picked::pod_ip},
    Member{Place::kStatus, "podIPs", Place::kPodIps},
    Member{Place::kStatus, "hostIP", {}, &Picked::host_ip},
    Member{Place::kStatus, "hostIPs", Place::kHostIps},
    Member{Place::kPodIps, "ip", {}, &Picked::element_ip},
    Member{Place::kHostIps, "ip", {}, &Picked::element_ip},
};

// Walks the document; subtrees that no Member leads into cost a counter.
class Picker : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Picker> {
 public:
  Picker(Place root, std::string_view label_key) : root_(root), label_key_(label_key) {}
  Picked take() { return std::move(picked_); }

  bool Key(const char* text, rapidjson::SizeType length, bool) {
    member_ = skipped_ > 0 ? nullptr : find({text, length});
    is_label_ = skipped_ == 0 && !label_key_.empty() && stack_.back().place == Place::kLabels &&
                label_key_ == std::string_view(text, length);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    if (is_value() && is_label_) picked_.label.assign(text, length);
    if (is_value() && member_ != nullptr && member_->text != nullptr) {
      (picked_.*member_->text).assign(text, length);
    }
    return !stack_.empty();
  }
  bool Bool(bool value) {
    if (is_value() && member_ != nullptr && member_->flag != nullptr) {
      picked_.*member_->flag = value;
    }
    return !stack_.empty();
  }
  bool Uint(unsigned value) {
    if (is_value() && member_ != nullptr && member_->number != nullptr && value < 1'000) {
      picked_.*member_->number = static_cast<int>(value);
    }
    return !stack_.empty();
  }
  bool Default() { return !stack_.empty(); }  // a bare null or number is no document of ours

  bool StartObject() {
    enter(false);
    picked_.element_kind.clear();
    picked_.element_name.clear();
    picked_.element_ip.clear();
    picked_.element_controller = false;
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (skipped_ == 0) end_element(stack_.back().place);
    leave();
    return true;
  }
  bool StartArray() {
    if (stack_.empty()) return false;
    enter(true);
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    leave();
    return true;
  }

 private:
  struct Level {
    Place place;
    bool array;
  };

  const Member* find(std::string_view key) const {
    for (const Member& member : kMembers) {
      if (member.at == stack_.back().place && member.key == key) return &member;
    }
    return nullptr;
  }
  bool is_value() const { return skipped_ == 0 && !stack_.empty() && !stack_.back().array; }

  void enter(bool array) {
    Place into = Place::kSkip;
    if (skipped_ == 0) {
      if (stack_.empty()) {
        into = root_;
      } else if (stack_.back().array) {
        into = stack_.back().place;  // an array's elements are what the array is
      } else if (member_ != nullptr) {
        into = member_->into;
      }
    }
    if (into == Place::kSkip) {
      ++skipped_;
    } else {
      stack_.push_back({into, array});
    }
    member_ = nullptr;
    is_label_ = false;
  }
  void leave() {
    if (skipped_ > 0) {
      --skipped_;
    } else {
      stack_.pop_back();
    }
    member_ = nullptr;
    is_label_ = false;
  }
  void end_element(Place place) {
    if (place == Place::kOwners && picked_.element_controller) {
      picked_.owner_kind = std::move(picked_.element_kind);
      picked_.owner_name = std::move(picked_.element_name);
    }
    if (place == Place::kPodIps && picked_.pod_ips.size() < kMaxIps) {
      picked_.pod_ips.push_back(std::move(picked_.element_ip));
    }
    if (place == Place::kHostIps && picked_.host_ips.size() < kMaxIps) {
      picked_.host_ips.push_back(std::move(picked_.element_ip));
    }
  }

  Place root_;
  std::string_view label_key_;
  Picked picked_;
  std::vector<Level> stack_;
  std::size_t skipped_ = 0;  // levels below the last of stack_
  const Member* member_ = nullptr;
  bool is_label_ = false;
};

Result<Picked> pick(std::string_view json, Place root, std::string_view label_key) {
  // Iterative: deep nesting must not eat the stack. Validated: what we keep goes into messages.
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  Picker picker(root, label_key);
  const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, picker);
  if (!parsed) {
    return fail("not the JSON we expect: " + std::string(GetParseError_En(parsed.Code())) +
                " (at byte " + std::to_string(parsed.Offset()) + ")");
  }
  // The reader takes a NUL byte for the end.
  if (stream.Tell() != json.size()) return fail("not the JSON we expect: it holds a NUL byte");
  return picker.take();
}

std::vector<IpAddr> parse_ips(const std::vector<std::string>& many, const std::string& one) {
  std::vector<IpAddr> ips;
  for (const std::string& text : many) {
    if (const std::optional<IpAddr> ip = IpAddr::parse(text)) ips.push_back(*ip);
  }
  if (const std::optional<IpAddr> ip = IpAddr::parse(one); ip && ips.empty()) ips.push_back(*ip);
  return ips;
}

// What is not valid but not essential either is left out.
std::string keep_if(bool good, std::string& text) { return good ? std::move(text) : std::string(); }

Result<Pod> make_pod(Picked& picked) {
  if (!picked.kind.empty() && picked.kind != "Pod") return fail("the object is not a Pod");
  if (!is_dns_label(picked.ns)) return fail("a Pod without a valid namespace");
  if (!is_dns_subdomain(picked.name)) return fail("a Pod without a valid name");
  if (!is_uid(picked.uid)) return fail("a Pod without a valid uid");
  Pod pod;
  pod.ns = std::move(picked.ns);
  pod.name = std::move(picked.name);
  pod.uid = std::move(picked.uid);
  pod.mirror_uid = keep_if(is_uid(picked.mirror_uid), picked.mirror_uid);
  pod.node_name = keep_if(is_dns_subdomain(picked.node_name), picked.node_name);
  if (is_label_value(picked.owner_kind) && is_dns_subdomain(picked.owner_name)) {
    pod.owner_kind = std::move(picked.owner_kind);
    pod.owner_name = std::move(picked.owner_name);
  }
  pod.template_hash = keep_if(is_label_value(picked.template_hash), picked.template_hash);
  pod.label = keep_if(is_label_value(picked.label), picked.label);
  pod.ips = parse_ips(picked.pod_ips, picked.pod_ip);
  pod.host_ips = parse_ips(picked.host_ips, picked.host_ip);
  pod.created = parse_rfc3339(picked.created).value_or(SystemTime{});
  pod.host_network = picked.host_network;
  pod.finished = picked.phase == "Succeeded" || picked.phase == "Failed";
  return pod;
}

ApiStatus make_status(Picked& picked) {
  return {picked.code, printable(picked.reason, kMaxMessage),
          printable(picked.message, kMaxMessage)};
}

}  // namespace

Result<Pod> parse_pod(std::string_view json, std::string_view label_key) {
  Result<Picked> picked = pick(json, Place::kObject, label_key);
  if (!picked) return fail(picked.error());
  return make_pod(*picked);
}

Result<Service> parse_service(std::string_view json) {
  Result<Picked> picked = pick(json, Place::kObject, {});
  if (!picked) return fail(picked.error());
  if (!is_dns_label(picked->ns)) return fail("a Service without a valid namespace");
  if (!is_dns_label(picked->name)) return fail("a Service without a valid name");
  return Service{std::move(picked->ns), std::move(picked->name), std::move(picked->cluster_ip)};
}

Result<WatchLine> parse_watch_line(std::string_view json, std::string_view label_key) {
  constexpr std::array<std::pair<std::string_view, WatchType>, 5> kTypes{
      {{"ADDED", WatchType::kAdded},
       {"MODIFIED", WatchType::kModified},
       {"DELETED", WatchType::kDeleted},
       {"BOOKMARK", WatchType::kBookmark},
       {"ERROR", WatchType::kError}}};
  Result<Picked> picked = pick(json, Place::kLine, label_key);
  if (!picked) return fail(picked.error());
  for (const auto& [name, type] : kTypes) {
    if (picked->type != name) continue;
    WatchLine line;
    line.type = type;
    if (type == WatchType::kError) {
      line.status = make_status(*picked);
      return line;
    }
    if (picked->resource_version.empty() || picked->resource_version.size() > kMaxVersion) {
      return fail("a watch event without a resourceVersion");
    }
    line.resource_version = std::move(picked->resource_version);
    if (type != WatchType::kBookmark) line.pod = make_pod(*picked);
    return line;
  }
  return fail("a watch event of an unknown type");
}

Result<ListMeta> parse_list_meta(std::string_view json) {
  Result<Picked> picked = pick(json, Place::kObject, {});
  if (!picked) return fail(picked.error());
  if (picked->resource_version.size() > kMaxVersion ||
      picked->continue_token.size() > kMaxContinue) {
    return fail("the list's resourceVersion or continue token is too long to be true");
  }
  return ListMeta{std::move(picked->kind), std::move(picked->resource_version),
                  std::move(picked->continue_token)};
}

ApiStatus parse_status(std::string_view body) {
  Result<Picked> picked = pick(body, Place::kObject, {});
  if (picked && picked->kind == "Status") return make_status(*picked);
  return {.message = printable(body.substr(0, body.find('\n')), kMaxMessage)};
}

}  // namespace kube_nflog
