{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "kube-nflog.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kube-nflog.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kube-nflog.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kube-nflog.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "kube-nflog.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kube-nflog.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kube-nflog.labels" -}}
{{ include "kube-nflog.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "kube-nflog.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The kubelet's probes come from the node itself: where all addresses are listened on, by loopback. */}}
{{- define "kube-nflog.probeHost" -}}
{{- $address := .Values.listen.address | trimPrefix "[" | trimSuffix "]" -}}
{{- if has $address (list "" "0.0.0.0" "::") -}}127.0.0.1{{- else -}}{{ $address }}{{- end -}}
{{- end -}}

{{- define "kube-nflog.checkScrape" -}}
{{- if has .Values.listen.address (list "127.0.0.1" "[::1]") -}}
{{- fail "podMonitor and serviceMonitor need listen.address=0.0.0.0 (or [::]): nobody can scrape a node's loopback from outside." -}}
{{- end -}}
{{- end -}}
