package io.luciole.hub;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Is told how a pull goes, on the thread that pulls. An exception that it throws ends the pull; the
 * next pull of the model goes on from there.
 */
public interface PullListener {
  /** A listener that does nothing. */
  PullListener NONE = new PullListener() {};

  /**
   * Another pull of this model is running, in this process or another; this one waits for it.
   *
   * @param lock the lock that the other holds
   */
  default void waiting(Path lock) {}

  /**
   * The model's folder holds another revision, whose place the one that is pulled takes.
   *
   * @param revision the revision that is there, as it was asked for
   * @param commit the commit that it stood for, 40 hexadecimal digits
   */
  default void replacing(String revision, String commit) {}

  /**
   * The files to fetch are known. Called once, unless nothing needs to be fetched.
   *
   * @param commit the commit that the revision stands for, 40 hexadecimal digits
   * @param files how many files make the model
   * @param bytes their bytes in all
   * @param presentBytes how many of these are here already
   */
  default void planned(String commit, int files, long bytes, long presentBytes) {}

  /**
   * Bytes came in; called often. The numbers shrink when a file has to be fetched anew.
   *
   * @param file the file's path in the repository
   * @param fileBytes how much of it is here
   * @param fileSize its size in bytes
   * @param bytes how much of the model is here
   * @param totalBytes the model's bytes in all
   */
  default void progress(String file, long fileBytes, long fileSize, long bytes, long totalBytes) {}

  /**
   * A request failed and is tried again.
   *
   * @param what a file's path in the repository, or what else was asked for
   * @param reason one line for people
   * @param pause how long the pull waits before it tries again
   */
  default void retrying(String what, String reason, Duration pause) {}
}
