// SPDX-License-Identifier: Apache-2.0
// `kubectl exec POD -- kube-nflog --check` has the environment of the Pod's agent, but not its
// flags; and --check should test what that agent runs with. Used by main().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kube_nflog {

// The flags of this container's first process (pid 1), if that is kube-nflog and not ourselves.
std::vector<std::string> flags_of_the_running_agent();

// Pure. What follows the program's name in the text of /proc/PID/cmdline.
std::vector<std::string> flags_in(std::string_view cmdline);

}  // namespace kube_nflog
