{{/* Annotations that roll the pods when a file of the chart's own changes. */}}
{{- define "beckn-ocpi-bridge.podAnnotations" -}}
{{- $sums := dict -}}
{{- range $kind, $files := include "beckn-ocpi-bridge.files" . | fromYaml -}}
{{- $_ := set $sums (printf "checksum/bridge-%s" $kind) (toYaml $files | sha256sum) -}}
{{- end -}}
{{- toYaml $sums -}}
{{- end -}}

{{/* Volumes of the pod. Files are readable by any user: no other container mounts them. */}}
{{- define "beckn-ocpi-bridge.volumes" -}}
{{- $name := include "beckn-ocpi-bridge.fullname" . -}}
- name: bridge-files
  projected:
    defaultMode: 0444
    sources:
    {{- range $kind, $files := include "beckn-ocpi-bridge.files" . | fromYaml }}
      - configMap:
          name: {{ $name }}-{{ $kind }}
          items:
          {{- range $file, $_ := $files }}
            - key: {{ $file | quote }}
              path: {{ if ne $kind "config" }}{{ $kind }}/{{ end }}{{ $file }}
          {{- end }}
    {{- end }}
    {{- with .Values.commercial }}
    {{- if .configMap.name }}
      - configMap:
          name: {{ .configMap.name }}
          items: [{key: {{ .configMap.key | quote }}, path: commercial/commercial.yaml}]
    {{- end }}
    {{- end }}
    {{- range $kind, $entries := dict "overlays" .Values.mappingOverlays "layer2" .Values.layer2 }}
    {{- range $entry := $entries }}
    {{- with $entry.configMap }}
      - configMap:
          name: {{ .name }}
          items: [{key: {{ .key | quote }}, path: {{ printf "%s/%s" $kind $entry.name | quote }}}]
    {{- end }}
    {{- end }}
    {{- end }}
- name: bridge-tmp
  emptyDir:
    sizeLimit: {{ .Values.tmpSize }}
{{- range $index, $secret := .Values.secretFiles }}
- name: bridge-secret-{{ $index }}
  secret:
    secretName: {{ .name }}
    defaultMode: 0444
    optional: {{ default false .optional }}
{{- end }}
{{- with .Values.redis.tlsSecret }}
- name: bridge-redis-tls
  secret:
    secretName: {{ . }}
    defaultMode: 0444
{{- end }}
{{- end -}}

{{/* A container for `containers`. */}}
{{- define "beckn-ocpi-bridge.sidecar" -}}
- {{ include "beckn-ocpi-bridge.container" . | nindent 2 | trim }}
{{- end -}}

{{/* A container for `initContainers` that runs as long as the pod: a native sidecar. */}}
{{- define "beckn-ocpi-bridge.nativeSidecar" -}}
{{ include "beckn-ocpi-bridge.sidecar" . }}
  restartPolicy: Always
{{- end -}}

{{/* What a pod with the bridge in it needs at least as terminationGracePeriodSeconds: see docs/operations.md. */}}
{{- define "beckn-ocpi-bridge.graceSeconds" -}}
{{- $config := include "beckn-ocpi-bridge.config" . | fromYaml -}}
{{ add (ceil $config.drain_grace_s) 35 }}
{{- end -}}

{{- define "beckn-ocpi-bridge.container" -}}
name: bridge
image: {{ include "beckn-ocpi-bridge.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve]
ports:
  - name: bridge
    containerPort: {{ .Values.port }}
  - name: bridge-ops
    containerPort: {{ .Values.opsPort }}
env:
{{- include "beckn-ocpi-bridge.env" . | nindent 2 }}
{{ include "beckn-ocpi-bridge.probes" . }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "beckn-ocpi-bridge.hardening" . | nindent 2 }}
volumeMounts:
{{- include "beckn-ocpi-bridge.mounts" . | nindent 2 }}
{{- end -}}

{{- define "beckn-ocpi-bridge.env" -}}
- name: BRIDGE_CONFIG
  value: /etc/bridge/config/bridge.yaml
{{- range $variable, $secret := .Values.secretEnv }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $secret.key }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "beckn-ocpi-bridge.mounts" -}}
- name: bridge-files
  mountPath: /etc/bridge/config
  readOnly: true
- name: bridge-tmp
  mountPath: /tmp
{{- range $index, $secret := .Values.secretFiles }}
- name: bridge-secret-{{ $index }}
  mountPath: /etc/bridge/secrets/{{ .name }}
  readOnly: true
{{- end }}
{{- if .Values.redis.tlsSecret }}
- name: bridge-redis-tls
  mountPath: /etc/bridge/redis-tls
  readOnly: true
{{- end }}
{{- end -}}

{{/*
protocol-server dies of a refused connection, and answers of a bridge without Redis are 200 there.
So behind a Service of its own the bridge is sent nothing before it was ready once, and then stays.
*/}}
{{- define "beckn-ocpi-bridge.probes" -}}
{{- $config := .Values.config -}}
{{- $stays := and (eq .Values.mode "standalone") (eq (dig "beckn" "adapter" "none" $config) "protocol-server") -}}
{{- $usual := dict "startup" "/health/live" "liveness" "/health/live" "readiness" "/health/ready" -}}
{{- if $stays -}}
{{- $usual = dict "startup" "/health/ready" "liveness" "/health/live" "readiness" "/health/live" -}}
{{- end -}}
{{- $probes := dict -}}
{{- range $name, $probe := .Values.probes -}}
{{- $get := dict "path" (default (get $usual $name) $probe.path) "port" "bridge-ops" -}}
{{- $_ := set $probes (printf "%sProbe" $name) (set (omit $probe "path") "httpGet" $get) -}}
{{- end -}}
{{- toYaml $probes -}}
{{- end -}}

{{- define "beckn-ocpi-bridge.hardening" -}}
runAsNonRoot: true
{{- if .Values.user }}
runAsUser: {{ .Values.user }}
runAsGroup: {{ .Values.user }}
{{- end }}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}
