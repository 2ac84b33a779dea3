package io.luciole.hub;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A file of the hub as its listing has it.
 *
 * @param path relative to the repository, a {@linkplain #isSafe safe} one
 * @param size in bytes, or -1 if the listing does not say
 * @param digest of its bytes, or null if the listing does not say
 */
record RemoteFile(String path, long size, @Nullable ContentDigest digest) {
  private static final int LONGEST = 512;

  /** One segment: no separator, drive letter or control character of any system, not hidden. */
  private static final Pattern SEGMENT =
      Pattern.compile("[^./\\\\:*?\"<>|\\p{Cntrl}][^/\\\\:*?\"<>|\\p{Cntrl}]{0,254}(?<![. ])");

  RemoteFile {
    if (!isSafe(path)) {
      throw new IllegalArgumentException("unsafe: " + path);
    }
  }

  /** Whether a path stays beneath the folder that it is resolved against, on every system. */
  static boolean isSafe(String path) {
    if (path.length() > LONGEST || path.endsWith(PullFolder.PART)) {
      return false;
    }
    for (String segment : path.split("/", -1)) {
      if (!SEGMENT.matcher(segment).matches()) {
        return false;
      }
    }
    return true;
  }

  /** Whether the listing said all that is needed to check the file. */
  boolean isKnown() {
    return size >= 0 && digest != null;
  }
}
