package io.luciole.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.model.ModelException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of a repository at one commit, as the hub lists them:
 *
 * <pre>
 * GET /api/models/ORG/NAME/revision/REVISION?blobs=true
 * {"sha": COMMIT, "siblings": [
 *   {"rfilename": PATH, "size": BYTES, "blobId": GIT_SHA1, "lfs": {"sha256": …, "size": …}}, …]}
 * </pre>
 *
 * @param files by path; only those whose paths are {@linkplain RemoteFile#isSafe safe}
 */
record HubListing(String commit, Map<String, RemoteFile> files) {
  /** What it is called in messages. */
  static final String WHAT = "the list of files";

  private static final Logger log = LoggerFactory.getLogger(HubListing.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
  private static final int LONGEST = 16 << 20;

  /** Asks the hub once. */
  static HubListing fetch(HubClient client, HubErrors errors, String model, String revision)
      throws IOException, InterruptedException {
    URI uri = client.uri("/api/models/" + model + "/revision/" + encode(revision) + "?blobs=true");
    byte[] answer;
    try (HubReply reply = client.get(uri, 0)) {
      errors.check(reply, WHAT);
      answer = reply.body().all(LONGEST);
    } catch (HubBody.TooLongException e) {
      throw new ModelException(
          "Expected " + WHAT + " of " + model + " in 16 MiB at most, found more.", e);
    }
    return parse(answer, model, client.settings().endpoint());
  }

  static HubListing parse(byte[] answer, String model, URI endpoint) {
    JsonNode root;
    try {
      root = JSON.readTree(answer);
    } catch (JsonProcessingException e) {
      throw notTheHub(endpoint, e);
    } catch (IOException e) {
      throw new IllegalStateException("bytes in memory can be read", e);
    }
    String name = root.path("id").asText(model);
    if (!name.equalsIgnoreCase(model)) {
      log.info("The hub calls the model {} now {}", model, name);
    }
    String commit = root.path("sha").asText().toLowerCase(Locale.ROOT);
    JsonNode siblings = root.path("siblings");
    if (!siblings.isArray() || !COMMIT.matcher(commit).matches()) {
      throw notTheHub(endpoint, null);
    }
    Map<String, RemoteFile> files = new LinkedHashMap<>();
    for (JsonNode sibling : siblings) {
      String path = sibling.path("rfilename").asText();
      if (sibling.path("rfilename").isTextual() && RemoteFile.isSafe(path)) {
        files.put(path, file(model, path, sibling));
      } else {
        log.debug("Passing over a file of {} for its name: {}", model, path);
      }
    }
    return new HubListing(commit, files);
  }

  private static RemoteFile file(String model, String path, JsonNode sibling) {
    JsonNode lfs = sibling.path("lfs");
    boolean large = lfs.isObject();
    JsonNode size = large && lfs.has("size") ? lfs.path("size") : sibling.path("size");
    boolean unsaid = size.isMissingNode() || size.isNull();
    if (!unsaid && (!size.isIntegralNumber() || !size.canConvertToLong() || size.asLong() < 0)) {
      throw new ModelException(
          "Expected a size in bytes for " + path + " of " + model + ", the hub says " + size);
    }
    String digest = (large ? lfs.path("sha256") : sibling.path("blobId")).asText("");
    return new RemoteFile(path, unsaid ? -1 : size.asLong(), ContentDigest.of(digest));
  }

  private static ModelException notTheHub(URI endpoint, @Nullable Exception cause) {
    String message =
        "Expected the list of a model's files from "
            + endpoint
            + ", found something else. Is HF_ENDPOINT right, or does a proxy ask for a login?";
    return cause == null ? new ModelException(message) : new ModelException(message, cause);
  }

  /** Asks for what the listing of a mirror may leave out. */
  static RemoteFile describe(HubClient client, HubErrors errors, URI uri, RemoteFile file)
      throws IOException, InterruptedException {
    try (HubReply reply = client.head(uri)) {
      if (reply.status() / 100 != 3) {
        errors.check(reply, file.path());
      }
      boolean linked = !reply.header("X-Linked-Etag").isEmpty();
      long size = reply.number(linked ? "X-Linked-Size" : "Content-Length").orElse(-1);
      String tag = reply.header(linked ? "X-Linked-Etag" : "ETag");
      ContentDigest digest = ContentDigest.of(tag.replaceFirst("^W/", "").replace("\"", ""));
      if (size < 0 || digest == null) {
        throw new ModelException(
            client.settings().endpoint()
                + " does not say size and digest of "
                + file.path()
                + ", so that it cannot be checked. Is HF_ENDPOINT a mirror of the whole hub?");
      }
      return new RemoteFile(file.path(), size, digest);
    }
  }

  /** The address of a file of this commit. */
  URI address(HubClient client, String model, RemoteFile file) {
    StringBuilder path = new StringBuilder("/" + model + "/resolve/" + commit);
    for (String segment : file.path().split("/", -1)) {
      path.append('/').append(encode(segment));
    }
    return client.uri(path.toString());
  }

  private static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
