{{/* The label app.kubernetes.io/name of the pods. */}}
{{- define "geowarden.name" -}}
{{- if eq .Values.mode "sidecar" }}pygeoapi{{ else }}geowarden{{ end }}
{{- end }}

{{- define "geowarden.selector" -}}
app.kubernetes.io/name: {{ include "geowarden.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "geowarden.labels" -}}
{{ include "geowarden.selector" . }}
app.kubernetes.io/part-of: geowarden
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* An image by digest, or by tag. */}}
{{- define "geowarden.image" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}

{{- define "geowarden.ownImage" -}}
{{- include "geowarden.image" (dict "repository" .Values.image.repository "digest" .Values.image.digest "tag" (default .Chart.AppVersion .Values.image.tag)) }}
{{- end }}

{{/* geowarden.yaml: the overlay's file, with the issuer of the login and with `config` of the values. */}}
{{- define "geowarden.config" -}}
{{- $config := .Files.Get (printf "files/geowarden-%s.yaml" .Values.mode) | fromYaml }}
{{- if .Values.oidc.enabled }}
{{- $issuer := dict "issuer" .Values.oidc.issuer "audiences" (list .Values.oidc.audience) "algorithms" .Values.oidc.algorithms }}
{{- $config = mergeOverwrite $config (dict "authn" (dict "jwt" (list $issuer))) }}
{{- end }}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) }}
{{- end }}

{{/* Envoy's bootstrap. With a login, the provider's addresses replace those of the example. */}}
{{- define "geowarden.envoy" -}}
{{- if .Values.envoy.config }}
{{- .Values.envoy.config }}
{{- else if .Values.oidc.enabled }}
{{- with .Values.oidc }}
{{- $text := $.Files.Get "files/envoy-oidc.yaml" }}
{{- $text = $text | replace "https://idp.example/auth" "@authorization@" | replace "https://idp.example/token" "@token@" }}
{{- $text = $text | replace "https://idp.example/session/end" "@end@" | replace "idp.example" .host }}
{{- $text = $text | replace "@authorization@" .authorizationEndpoint | replace "@token@" .tokenEndpoint | replace "@end@" .endSessionEndpoint }}
{{- $text = $text | replace "pygeoapi-browser" .clientId | replace "[openid, offline_access]" (toJson .scopes) }}
{{- $text | replace "https://maps.example.org" .audience }}
{{- end }}
{{- else }}
{{- .Files.Get "files/envoy.yaml" }}
{{- end }}
{{- end }}

{{/* A checksum of the files that are only read at start. A change replaces the pods. */}}
{{- define "geowarden.checksum" -}}
{{- $all := include "geowarden.config" . }}
{{- if eq .Values.mode "sidecar" }}
{{- $all = printf "%s%s%s%s" $all (include "geowarden.envoy" .) (include "geowarden.pygeoapi" .) (include "geowarden.data" .) }}
{{- end }}
{{- sha256sum $all }}
{{- end }}

{{- define "geowarden.pygeoapi" -}}
{{- default (.Files.Get "files/pygeoapi.yml") .Values.pygeoapi.config }}
{{- end }}

{{- define "geowarden.data" -}}
{{- if .Values.pygeoapi.data }}
{{- toYaml .Values.pygeoapi.data }}
{{- else -}}
obs.csv: {{ .Files.Get "files/obs.csv" | toJson }}
lakes.geojson: {{ .Files.Get "files/lakes.geojson" | toJson }}
{{- end }}
{{- end }}

{{/* Settings of every pod. */}}
{{- define "geowarden.pod" -}}
serviceAccountName: {{ .Release.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: {{ .Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "geowarden.selector" . | nindent 8 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "geowarden.restricted" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end }}

{{- define "geowarden.probes" -}}
startupProbe:
  exec: {command: [/geowarden, healthcheck, --live, --admin, "127.0.0.1:9192"]}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 30
livenessProbe:
  exec: {command: [/geowarden, healthcheck, --live, --admin, "127.0.0.1:9192"]}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  exec: {command: [/geowarden, healthcheck, --admin, "127.0.0.1:9192"]}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{- define "geowarden.ownVolumes" -}}
- name: geowarden-config
  configMap: {name: {{ .Release.Name }}}
- name: geowarden-policy
  configMap: {name: {{ .Release.Name }}-policy}
- name: geowarden-keys
  secret:
    secretName: {{ .Values.apiKeys.secret }}
    optional: true
{{- end }}

{{- define "geowarden.ownMounts" -}}
- {name: geowarden-config, mountPath: /etc/geowarden/config, readOnly: true}
- {name: geowarden-policy, mountPath: /etc/geowarden/policy, readOnly: true}
- {name: geowarden-keys, mountPath: /etc/geowarden/keys, readOnly: true}
{{- end }}
