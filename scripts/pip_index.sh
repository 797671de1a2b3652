# Sourced: lets uv use the index, certificate and folders that pip is configured with, unless UV_* names its own.

pip_setting() { # name -> its value, by pip's own precedence: environment, then the install section, then global
  local section
  for section in ':env:.' install. global.; do
    awk -v key="$section$1=" 'index($0, key) == 1 {
        value = substr($0, length(key) + 1); gsub(/\\n/, " ", value); gsub(/^["'\'' ]+|["'\'' ]+$/, "", value); print value; exit
      }' <<<"$pip_config" | grep . && return
  done
  return 0
}

index_from_pip() { # python whose pip is asked
  local pip_config
  if compgen -e | grep -qE '^UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CONFIG_FILE)$'; then
    return
  fi
  pip_config=$("$1" -m pip config list 2>/dev/null || pip config list 2>/dev/null || true)
  local index extra hosts certificate place places=""
  index=$(pip_setting index-url)
  extra=$(pip_setting extra-index-url)
  hosts=$(pip_setting trusted-host)
  certificate=$(pip_setting cert)
  for place in $(pip_setting find-links); do
    case $place in
      http://* | https://* | file://*) places+="${places:+,}$place" ;;
      *) [ ! -d "$place" ] || places+="${places:+,}$place" ;; # uv refuses a folder that is not there, pip does not
    esac
  done
  [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
  [ -z "$extra" ] || export UV_INDEX="$extra"
  [ -z "$hosts" ] || export UV_INSECURE_HOST="${UV_INSECURE_HOST:-$hosts}"
  [ -z "$certificate" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificate}"
  [ -z "$places" ] || export UV_FIND_LINKS="$places"
}
