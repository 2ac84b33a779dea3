package io.luciole.server;

import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The identifiers of a request.
 *
 * @param requestId the client's {@code X-Request-Id} if it has a valid form, or else a new one
 * @param traceId the trace id of W3C's {@code traceparent}, 32 hexadecimal digits, or null
 * @param spanId the caller's span id, 16 hexadecimal digits, or null
 */
record TraceContext(String requestId, @Nullable String traceId, @Nullable String spanId) {
  private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:+/=-]{1,128}");
  private static final Pattern TRACEPARENT =
      Pattern.compile("(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?");

  static TraceContext of(@Nullable String requestId, @Nullable String traceparent) {
    String id =
        requestId != null && REQUEST_ID.matcher(requestId).matches()
            ? requestId
            : UUID.randomUUID().toString();
    if (traceparent != null) {
      Matcher m = TRACEPARENT.matcher(traceparent.strip());
      // Only versions after 00 may have further fields.
      if (m.matches()
          && (m.group(3) == null || !traceparent.strip().startsWith("00"))
          && !isZero(m.group(1))
          && !isZero(m.group(2))) {
        return new TraceContext(id, m.group(1), m.group(2));
      }
    }
    return new TraceContext(id, null, null);
  }

  private static boolean isZero(String hex) {
    return hex.chars().allMatch(c -> c == '0');
  }
}
