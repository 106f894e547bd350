{{/* The bridge's configuration: values.config, and what the chart sets by itself. */}}
{{- define "beckn-ocpi-bridge.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config "listen" (dict "host" "0.0.0.0" "port" .Values.port) -}}
{{- $_ := set $config "ops_listen" (dict "host" "0.0.0.0" "port" .Values.opsPort) -}}
{{- if not (hasKey $config "drain_grace_s") -}}
{{- $_ := set $config "drain_grace_s" 10 -}}
{{- end -}}
{{- with include "beckn-ocpi-bridge.redisUrl" . -}}
{{- $_ := set $config "redis_url" . -}}
{{- end -}}
{{- if or .Values.commercial.terms .Values.commercial.configMap.name -}}
{{- $_ := set $config "commercial" "/etc/bridge/config/commercial/commercial.yaml" -}}
{{- end -}}
{{- $overlays := list -}}
{{- range .Values.mappingOverlays -}}
{{- $overlays = append $overlays (printf "/etc/bridge/config/overlays/%s" .name) -}}
{{- end -}}
{{- with $overlays -}}
{{- $_ := set $config "mapping_overlays" . -}}
{{- end -}}
{{- $layer2 := list -}}
{{- range .Values.layer2 -}}
{{- $file := printf "/etc/bridge/config/layer2/%s" .name -}}
{{- $layer2 = append $layer2 (dict "domain" .domain "version" .version "file" $file) -}}
{{- end -}}
{{- with $layer2 -}}
{{- $_ := set $config.beckn "layer2" . -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The address of Redis that stands in the configuration; empty where it comes from a Secret. */}}
{{- define "beckn-ocpi-bridge.redisUrl" -}}
{{- $given := list -}}
{{- if .Values.redis.url -}}{{- $given = append $given "redis.url" -}}{{- end -}}
{{- if .Values.redis.valkey.enabled -}}{{- $given = append $given "redis.valkey.enabled" -}}{{- end -}}
{{- if hasKey .Values.secretEnv "BRIDGE_REDIS_URL" -}}
{{- $given = append $given "secretEnv.BRIDGE_REDIS_URL" -}}
{{- end -}}
{{- if ne (len $given) 1 -}}
{{- fail (printf "Redis: give exactly one of redis.url, secretEnv.BRIDGE_REDIS_URL, redis.valkey.enabled; given: %s" (default "none" (join ", " $given))) -}}
{{- end -}}
{{- if .Values.redis.valkey.enabled -}}
redis://{{ include "beckn-ocpi-bridge.fullname" . }}-valkey:6379/0
{{- else -}}
{{ .Values.redis.url }}
{{- end -}}
{{- end -}}

{{/* The files that are given in values, by kind: {kind: {file: content}}, as YAML. */}}
{{- define "beckn-ocpi-bridge.files" -}}
{{- $files := dict "config" (dict "bridge.yaml" (include "beckn-ocpi-bridge.config" .)) -}}
{{- with .Values.commercial.terms -}}
{{- $_ := set $files "commercial" (dict "commercial.yaml" (toYaml .)) -}}
{{- end -}}
{{- range $kind, $entries := dict "overlays" .Values.mappingOverlays "layer2" .Values.layer2 -}}
{{- $given := dict -}}
{{- range $entries -}}
{{- if .content -}}{{- $_ := set $given .name .content -}}{{- end -}}
{{- end -}}
{{- with $given -}}{{- $_ := set $files $kind . -}}{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}
