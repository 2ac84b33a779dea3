package io.luciole.hub;

import io.luciole.model.ModelException;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an answer other than success means, for people: a {@link ModelException} that ends the pull,
 * or an {@link IOException} after which it is worth trying again.
 */
final class HubErrors {
  /** What the hub says of a repository that its owner or a moderator has closed. */
  private static final String DISABLED = "Access to this resource is disabled.";

  /** The field {@code RateLimit}, such as {@code "api";r=0;t=55}: seconds until it begins anew. */
  private static final Pattern RATE_LIMIT_RESET = Pattern.compile(";\\s*t=(\\d{1,9})");

  private final String model;
  private final String revision;
  private final HubSettings settings;

  HubErrors(String model, String revision, HubSettings settings) {
    this.model = model;
    this.revision = revision;
    this.settings = settings;
  }

  /**
   * Returns if the answer is a success, or a refusal of the range that was asked for.
   *
   * @param what was asked for: a file's path, or the listing
   */
  void check(HubReply reply, String what) throws IOException {
    int status = reply.status();
    if (status == 200 || status == 206 || status == 416) {
      return;
    }
    String host = reply.uri().getHost();
    String answered = host + " answered " + status + said(reply);
    if (status == 429 || status == 408 || status == 425 || status >= 500) {
      throw new BusyException(answered, retryAfter(reply));
    }
    if (status == 407) {
      throw new ModelException(
          "The proxy asks for a login: set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, and"
              + " start Java with -Djdk.http.auth.tunneling.disabledSchemes= so that it is sent.");
    }
    if (!reply.ofHub()) {
      // Addresses that the hub points to hold for a limited time; it gives a new one when asked.
      throw new IOException(answered);
    }
    throw switch (status) {
      case 401, 403 -> refused(reply);
      case 404, 410 -> missing(reply, what);
      default -> new ModelException("Cannot fetch " + what + " of " + model + ": " + answered);
    };
  }

  private ModelException refused(HubReply reply) {
    HubSettings.Token token = settings.token();
    String page = settings.endpoint() + "/" + model;
    String code = reply.header("X-Error-Code");
    if (reply.header("X-Error-Message").equals(DISABLED)) {
      return new ModelException(
          "The hub has disabled the model "
              + model
              + " for everyone; "
              + page
              + " may say why. Use another copy of it, or another model.");
    }
    if (code.equals("GatedRepo")) {
      return new ModelException(
          "The model "
              + model
              + " is gated"
              + (token == null ? "" : ", and the token of " + token.source() + " has no access")
              + ": accept its licence on "
              + page
              + ", then set HF_TOKEN to a token of your account and pull again.");
    }
    if (token != null && reply.status() == 401 && !code.equals("RepoNotFound")) {
      return new ModelException(
          "The hub refuses the token of "
              + token.source()
              + said(reply)
              + ": correct it, or remove it to fetch public models without one.");
    }
    if (reply.status() == 403) {
      return new ModelException(
          "The hub does not give the model "
              + model
              + said(reply)
              + ": "
              + (token == null
                  ? "set HF_TOKEN to a token that may read it."
                  : "the token of " + token.source() + " may not read it; see " + page + '.'));
    }
    return new ModelException(
        "The hub has no model "
            + model
            + (token == null ? " for everyone" : " for the token of " + token.source())
            + ": check the spelling; if it is private or gated, accept its licence on "
            + page
            + " and set HF_TOKEN to a token of an account that may read it.");
  }

  private ModelException missing(HubReply reply, String what) {
    String page = settings.endpoint() + "/" + model;
    if (reply.header("X-Error-Code").equals("RevisionNotFound")) {
      return new ModelException(
          "The model "
              + model
              + " has no revision \""
              + revision
              + "\": check the spelling on "
              + page
              + "/tree/main");
    }
    if (what.equals(HubListing.WHAT)) {
      return new ModelException(
          "There is no model "
              + model
              + " with a revision \""
              + revision
              + "\" on "
              + settings.endpoint()
              + ": check the spelling of both.");
    }
    return new ModelException(
        "The hub lists the file " + what + " of " + model + ", but has it not. See " + page);
  }

  private static String said(HubReply reply) {
    String message = reply.header("X-Error-Message");
    return message.isEmpty() ? "" : " (" + message + ")";
  }

  /** The header in either of its forms, seconds or a date, or else what the rate's limit says. */
  private static Duration retryAfter(HubReply reply) {
    String value = reply.header("Retry-After");
    Matcher reset = RATE_LIMIT_RESET.matcher(reply.header("RateLimit"));
    try {
      if (value.isEmpty() && reset.find()) {
        return Duration.ofSeconds(Long.parseLong(reset.group(1)));
      }
      if (value.matches("\\d{1,9}")) {
        return Duration.ofSeconds(Long.parseLong(value));
      }
      if (!value.isEmpty()) {
        Duration wait =
            Duration.between(
                Instant.now(),
                ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
        return wait.isNegative() ? Duration.ZERO : wait;
      }
    } catch (DateTimeException e) {
      // A server's nonsense is no reason to fail.
    }
    return Duration.ZERO;
  }
}
