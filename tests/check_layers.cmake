# SPDX-License-Identifier: Apache-2.0
# The arrows of ARCHITECTURE.md: core/ knows neither neighbour, nflog/ and k8s/ never meet, and each
# third-party library is met in the few files named here. Run by ctest: cmake -DROOT=… -P check_layers.cmake
file(GLOB all RELATIVE ${ROOT} ${ROOT}/core/*.* ${ROOT}/nflog/*.* ${ROOT}/k8s/*.*)
set(wrong "")

macro(forbid files_regex include_regex)
  foreach(file ${all})
    if(file MATCHES "${files_regex}")
      file(STRINGS ${ROOT}/${file} lines REGEX "^ *# *include *[<\"](${include_regex})")
      foreach(line ${lines})
        string(APPEND wrong "  ${file}: ${line}\n")
      endforeach()
    endif()
  endforeach()
endmacro()

# include regex -> the only files that may have it
macro(only include_regex files_regex)
  foreach(file ${all})
    if(NOT file MATCHES "^(${files_regex})$")
      forbid("^${file}$" "${include_regex}")
    endif()
  endforeach()
endmacro()

forbid("^core/" "nflog/|k8s/")
forbid("^nflog/" "k8s/")
forbid("^k8s/" "nflog/")
only("CLI/" "core/options.cc")
only("spdlog/" "core/log.cc")
only("prometheus/" "core/metrics.cc")
only("libmnl/|libnetfilter_log/|libnfnetlink/" "nflog/.*\\.cc")
only("cap-ng" "nflog/privileges.cc")
only("systemd/" "nflog/journal_reader.cc")
only("curl/" "k8s/http_client.cc|k8s/curl_handle.cc")
only("rapidjson/" "k8s/.*\\.cc")
only("ares" "k8s/reverse_dns.cc")
only("yaml-cpp/" "k8s/kubeconfig.cc")
only("civetweb" "k8s/probe_server.cc")

if(wrong)
  message(FATAL_ERROR "includes against the layering:\n${wrong}")
endif()
