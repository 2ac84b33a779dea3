# shellcheck shell=sh
# Finds a JDK that can build and run Luciole, and exports it as JAVA_HOME.
#
# Sourced by ./mvnw and ./luciole, so that both work where the default `java` is an older one.
# The first of these that is a JDK 21 or later (bin/java and bin/javac) is taken:
#   1. $JAVA_HOME; an older one is passed over, not refused
#   2. java, then javac, on the PATH, through links and version managers' shims
#   3. the places where systems and version managers put JDKs: of all of them the highest version,
#      of equal ones the first in the order below
# Where there is none: one sentence with the remedy on standard error, and exit status 1.
#
# Versions are read from the JDKs' `release` files; a JVM is started only for a candidate that has
# none. POSIX sh and nothing but `readlink` outside it. All names begin with luciole_jdk.
# LUCIOLE_TEST_ROOT stands before the absolute places of step 3, for .ci/test-scripts.sh only.

luciole_jdk_min=21
luciole_jdk_home=
luciole_jdk_best=0
luciole_jdk_unfit=

# luciole_jdk_read HOME: its version in luciole_jdk_version, "" when unknown.
luciole_jdk_read() {
  luciole_jdk_version=
  if [ -r "$1/release" ]; then
    while IFS='=' read -r luciole_jdk_k luciole_jdk_v || [ -n "$luciole_jdk_k" ]; do
      if [ "$luciole_jdk_k" = JAVA_VERSION ]; then
        luciole_jdk_v=${luciole_jdk_v#\"}
        luciole_jdk_version=${luciole_jdk_v%%\"*}
      fi
    done <"$1/release"
  fi
  if [ -z "$luciole_jdk_version" ]; then
    luciole_jdk_v=$("$1/bin/java" -version 2>&1) || return 0
    case $luciole_jdk_v in
    *version\ \"*)
      luciole_jdk_v=${luciole_jdk_v#*version \"}
      luciole_jdk_version=${luciole_jdk_v%%\"*}
      ;;
    esac
  fi
}

# luciole_jdk_rank VERSION: "21.0.5" as 21000005 in luciole_jdk_order, "1.8.0_432" as 8000000.
luciole_jdk_rank() {
  luciole_jdk_v=${1#1.}
  luciole_jdk_v=${luciole_jdk_v%%[!0-9.]*}
  luciole_jdk_order=0
  for luciole_jdk_k in 1000000 1000 1; do
    luciole_jdk_n=${luciole_jdk_v%%.*}
    case $luciole_jdk_v in *.*) luciole_jdk_v=${luciole_jdk_v#*.} ;; *) luciole_jdk_v= ;; esac
    luciole_jdk_order=$((luciole_jdk_order + ${luciole_jdk_n:-0} * luciole_jdk_k))
  done
}

# luciole_jdk_fits HOME: whether it is a JDK of the wanted version; remembers for the refusal what it is if not.
luciole_jdk_fits() {
  [ -f "$1/bin/java" ] && [ -x "$1/bin/java" ] || return 1
  luciole_jdk_read "$1"
  [ -n "$luciole_jdk_version" ] || return 1
  luciole_jdk_rank "$luciole_jdk_version"
  luciole_jdk_n=$((luciole_jdk_order / 1000000))
  if [ "$luciole_jdk_n" -lt "$luciole_jdk_min" ]; then
    luciole_jdk_note=$luciole_jdk_n
  elif [ -x "$1/bin/javac" ]; then
    return 0
  else
    luciole_jdk_note="$luciole_jdk_n without its compiler"
  fi
  case ", $luciole_jdk_unfit, " in
  *", $luciole_jdk_note, "*) ;;
  *) luciole_jdk_unfit=${luciole_jdk_unfit:+$luciole_jdk_unfit, }$luciole_jdk_note ;;
  esac
  return 1
}

# luciole_jdk_on_path COMMAND: the JDK of `java` or `javac` on the PATH in luciole_jdk_found.
luciole_jdk_on_path() {
  luciole_jdk_found=
  luciole_jdk_v=$(command -v "$1") || return 1
  while [ -h "$luciole_jdk_v" ]; do
    luciole_jdk_k=$(readlink "$luciole_jdk_v") || return 1
    case $luciole_jdk_k in
    /*) luciole_jdk_v=$luciole_jdk_k ;;
    *) luciole_jdk_v=${luciole_jdk_v%/*}/$luciole_jdk_k ;;
    esac
  done
  luciole_jdk_found=$(cd -P "${luciole_jdk_v%/*}/.." 2>/dev/null && pwd -P) || return 1
  # No JDK around it: a shim (asdf, mise, jenv, macOS's /usr/bin/java). Where it leads, only it can say.
  if [ ! -f "$luciole_jdk_found/release" ] && [ ! -f "$luciole_jdk_found/lib/modules" ] && [ "$1" = java ]; then
    luciole_jdk_v=$(java -XshowSettings:properties -version 2>&1) || return 1
    case $luciole_jdk_v in
    *'java.home = '*)
      luciole_jdk_v=${luciole_jdk_v#*java.home = }
      luciole_jdk_found=${luciole_jdk_v%%
*}
      ;;
    esac
  fi
}

# luciole_jdk_consider HOME...: keeps the highest version that fits.
luciole_jdk_consider() {
  for luciole_jdk_found; do
    if luciole_jdk_fits "$luciole_jdk_found" && [ "$luciole_jdk_order" -gt "$luciole_jdk_best" ]; then
      luciole_jdk_best=$luciole_jdk_order
      luciole_jdk_home=$luciole_jdk_found
    fi
  done
}

luciole_jdk_find() {
  if [ -n "${JAVA_HOME-}" ] && luciole_jdk_fits "$JAVA_HOME"; then
    luciole_jdk_home=$JAVA_HOME
    return 0
  fi

  for luciole_jdk_command in java javac; do
    if luciole_jdk_on_path "$luciole_jdk_command" && luciole_jdk_fits "$luciole_jdk_found"; then
      luciole_jdk_home=$luciole_jdk_found
      return 0
    fi
  done

  luciole_jdk_at=${LUCIOLE_TEST_ROOT-}
  luciole_jdk_consider \
    "$luciole_jdk_at"/usr/lib/jvm/* \
    "$luciole_jdk_at"/usr/lib64/jvm/* \
    "$luciole_jdk_at"/usr/java/* \
    "$luciole_jdk_at"/usr/local/openjdk* \
    "$luciole_jdk_at"/opt/java/* \
    "$luciole_jdk_at"/opt/jdk* \
    "$luciole_jdk_at"/opt/openjdk* \
    "${SDKMAN_DIR:-${HOME-}/.sdkman}"/candidates/java/* \
    "${HOME-}"/.jdks/* \
    "${ASDF_DATA_DIR:-${HOME-}/.asdf}"/installs/java/* \
    "${MISE_DATA_DIR:-${XDG_DATA_HOME:-${HOME-}/.local/share}/mise}"/installs/java/* \
    "$luciole_jdk_at"/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
    "$luciole_jdk_at"/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
    "$luciole_jdk_at"/home/linuxbrew/.linuxbrew/opt/openjdk*/libexec \
    "$luciole_jdk_at"/home/linuxbrew/.linuxbrew/opt/openjdk* \
    "$luciole_jdk_at"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    "${HOME-}"/Library/Java/JavaVirtualMachines/*/Contents/Home
  if [ -z "$luciole_jdk_home" ] && [ -x "$luciole_jdk_at/usr/libexec/java_home" ]; then
    if luciole_jdk_v=$("$luciole_jdk_at/usr/libexec/java_home" -v "$luciole_jdk_min+" 2>/dev/null); then
      luciole_jdk_consider "$luciole_jdk_v"
    fi
  fi
  [ -n "$luciole_jdk_home" ]
}

if luciole_jdk_find; then
  JAVA_HOME=$luciole_jdk_home
  export JAVA_HOME
else
  echo "luciole needs a JDK $luciole_jdk_min or later and found ${luciole_jdk_unfit:+only }${luciole_jdk_unfit:-none} (looked at JAVA_HOME, PATH, /usr/lib/jvm, SDKMAN, Homebrew): install one, for instance with 'apt install openjdk-21-jdk', 'brew install openjdk@21' or 'sdk install java 21-tem', or set JAVA_HOME." >&2
  exit 1
fi
