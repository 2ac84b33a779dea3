package io.luciole.hub;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.internal.HubCache;
import io.luciole.internal.ModelFileNames;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.checkpoint.CheckpointException;
import io.luciole.model.checkpoint.OnnxExternalData;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One pull of one model. For use by one thread, once. */
final class Pull {
  private static final int NAMED = 3;

  private final PullContext context;
  private final String model;
  private final HubCache cache;
  private final Path folder;
  private final PullFolder place;
  private final PullOptions options;

  Pull(PullContext context, HubCache cache, Path folder, PullOptions options) {
    this.context = context;
    this.model = context.model();
    this.cache = cache;
    this.folder = folder;
    this.place = new PullFolder(folder);
    this.options = options;
  }

  /** Makes the model be here, and says where. */
  Path run() throws InterruptedException {
    HubListing listing =
        context
            .retries(HubListing.WHAT + " of " + model)
            .run(() ->
                HubListing.fetch(
                    context.client(), context.errors(), model, options.revisionOrMain()));
    Map<String, RemoteFile> chosen = chosen(listing);
    Path snapshot = cache.snapshot(model, listing.commit()).orElse(null);
    if (snapshot != null
        && !Files.exists(folder)
        && hasAll(snapshot, listing, chosen)
        && snapshot.equals(
            cache.find(new HubCache.Reference(model, null), ModelFiles::areIn).orElse(null))) {
      return snapshot;
    }
    Marker here = Marker.read(folder);
    Marker next = next(listing, chosen, here);
    // Then the files that ONNX files name are here and hold, too, since next has all that do.
    if (here != null
        && here.equals(next.withNamedTensors(next.files()))
        && here.hasAll(folder, next.files().values())) {
      return folder;
    }
    PullLock lock = PullLock.acquire(place.lock(), context.listener());
    try (lock) {
      place.recover();
      update(listing, chosen, snapshot);
    }
    return folder;
  }

  /** The files that are needed, with size and digest. */
  private Map<String, RemoteFile> chosen(HubListing listing) throws InterruptedException {
    Map<String, RemoteFile> chosen = new LinkedHashMap<>();
    for (String path : FileChoice.choose(model, listing.files().keySet(), options)) {
      RemoteFile file = requireNonNull(listing.files().get(path));
      chosen.put(path, described(listing, file));
    }
    return chosen;
  }

  /** Whether a folder has the chosen files, and those that they name, in their sizes. */
  private boolean hasAll(Path where, HubListing listing, Map<String, RemoteFile> chosen)
      throws InterruptedException {
    return PullFolder.hasSizes(where, chosen.values())
        && PullFolder.hasSizes(
            where, withNamedTensors(listing, next(listing, chosen, null), where).files().values());
  }

  /** A file with size and digest; the hub is asked if the listing does not say them. */
  private RemoteFile described(HubListing listing, RemoteFile file) throws InterruptedException {
    if (file.isKnown()) {
      return file;
    }
    URI uri = listing.address(context.client(), model, file);
    return context
        .retries(file.path())
        .run(() -> HubListing.describe(context.client(), context.errors(), uri, file));
  }

  /** The folder's next state: the chosen files, and those pulled before that still hold. */
  private Marker next(HubListing listing, Map<String, RemoteFile> chosen, @Nullable Marker here)
      throws InterruptedException {
    Map<String, RemoteFile> files = new LinkedHashMap<>(chosen);
    if (here != null) {
      for (RemoteFile file : here.files().values()) {
        RemoteFile there = listing.files().get(file.path());
        if (!chosen.containsKey(file.path())
            && there != null
            && here.has(folder, file)
            && file.equals(described(listing, there))) {
          files.put(file.path(), file);
        }
      }
    }
    return new Marker(model, options.revisionOrMain(), listing.commit(), files, false);
  }

  /** With the lock held: fetches what is missing. */
  private void update(HubListing listing, Map<String, RemoteFile> chosen, @Nullable Path snapshot)
      throws InterruptedException {
    Marker here = Marker.read(folder);
    Marker next = next(listing, chosen, here);
    if (here != null && !here.revision().equals(next.revision())) {
      context.listener().replacing(here.revision(), here.commit());
    }
    if (here == null && Files.exists(folder)) {
      requireSame(next.files().values());
      Marker whole = withNamedTensors(listing, next, folder);
      requireSame(whole.files().values());
      whole.write(folder);
      return;
    }
    if (here != null && here.hasAll(folder, next.files().values())) {
      Marker whole = withNamedTensors(listing, next, folder);
      if (here.hasAll(folder, whole.files().values())) {
        whole.write(folder);
        return;
      }
    }
    bring(listing, next, here, snapshot);
    Marker whole = withNamedTensors(listing, next, place.staging());
    if (whole.files().equals(next.files())) {
      whole.write(place.staging());
    } else {
      bring(listing, whole, here, snapshot);
    }
    place.publish(whole);
  }

  /** Makes the staging folder hold all files of a state, from this machine or from the hub. */
  private void bring(
      HubListing listing, Marker wanted, @Nullable Marker here, @Nullable Path snapshot)
      throws InterruptedException {
    place.stage(wanted);
    for (RemoteFile file : wanted.files().values()) {
      if (place.isStaged(file)) {
        continue;
      }
      if (here != null && here.has(folder, file)) {
        place.take(file, folder.resolve(file.path()));
      } else if (snapshot != null && PullFolder.matches(snapshot.resolve(file.path()), file)) {
        place.take(file, snapshot.resolve(file.path()));
      }
    }
    fetch(listing, wanted.files().values());
  }

  /**
   * Adds the files that ONNX files name for their tensors, whatever they are called.
   *
   * @param where the folder with all files of {@code next}
   */
  private Marker withNamedTensors(HubListing listing, Marker next, Path where)
      throws InterruptedException {
    Map<String, RemoteFile> files = new LinkedHashMap<>(next.files());
    for (RemoteFile onnx : next.files().values()) {
      List<String> named =
          onnx.path().endsWith(".onnx") ? tensorsOf(onnx, where) : List.<String>of();
      for (String path : named) {
        RemoteFile file = listing.files().get(path);
        if (file == null) {
          throw new ModelException(
              "The model "
                  + model
                  + " is not complete on the hub: its "
                  + onnx.path()
                  + " names a file for its tensors that is not there: "
                  + path);
        }
        if (!files.containsKey(path)) {
          files.put(path, described(listing, file));
        }
      }
    }
    return next.withNamedTensors(files);
  }

  /** The paths within the repository. */
  private static List<String> tensorsOf(RemoteFile onnx, Path where) {
    Path file = where.resolve(onnx.path());
    Path place = file.toAbsolutePath().normalize();
    try {
      return OnnxExternalData.files(file).stream()
          .map(named -> place.relativize(named.toAbsolutePath().normalize()))
          .map(path -> Path.of(onnx.path()).resolve(path).normalize())
          .map(path -> path.toString().replace('\\', '/'))
          .toList();
    } catch (CheckpointException e) {
      // Not as if it named none, which would be noted for good.
      if (e.getCause() instanceof IOException unread) {
        throw new ModelException("Cannot read " + file + ": " + unread, unread);
      }
      return List.of(); // No ONNX: whoever opens the model says so.
    }
  }

  /** A folder that others made is taken over if it is right, and left alone if it is not. */
  private void requireSame(Collection<RemoteFile> files) {
    for (RemoteFile file : files) {
      if (!PullFolder.matches(folder.resolve(file.path()), file)) {
        throw new ModelException(
            "The folder "
                + folder
                + " was not made by a pull, and its "
                + file.path()
                + " is not the hub's. Move the folder away and pull again.");
      }
    }
  }

  private void fetch(HubListing listing, Collection<RemoteFile> files) throws InterruptedException {
    long total = 0;
    long present = 0;
    try {
      for (RemoteFile file : files) {
        total = Math.addExact(total, file.size());
        present += place.present(file);
      }
    } catch (ArithmeticException e) {
      throw new ModelException("The sizes that the hub says of " + model + " are absurd.", e);
    }
    place.requireSpace(total - present, context.tuning());
    context.listener().planned(listing.commit(), files.size(), total, present);
    // The small ones first: what is wrong with a model shows before its weights are fetched.
    List<RemoteFile> order = new ArrayList<>(files);
    order.sort(Comparator.comparingLong(RemoteFile::size).thenComparing(RemoteFile::path));
    for (RemoteFile file : order) {
      if (!place.isStaged(file)) {
        long before = present - place.present(file);
        URI uri = listing.address(context.client(), model, file);
        new FileFetcher(context, place, file, uri, before, total).fetch();
        present = before + file.size();
      }
      if (ModelFileNames.isIndex(file.path())) {
        requireShards(file, files);
      }
    }
  }

  private void requireShards(RemoteFile index, Collection<RemoteFile> files) {
    Set<String> named = new HashSet<>();
    try {
      new ObjectMapper()
          .readTree(place.staged(index).toFile())
          .path("weight_map")
          .forEach(shard -> named.add(shard.asText()));
    } catch (IOException e) {
      throw new ModelException("Cannot read " + index.path() + " of " + model + " as JSON.", e);
    }
    files.forEach(file -> named.remove(file.path()));
    if (!named.isEmpty()) {
      throw new ModelException(
          "The model "
              + model
              + " is not complete on the hub: its "
              + index.path()
              + " names shards that are not there: "
              + named.stream().sorted().limit(NAMED).toList());
    }
  }
}
