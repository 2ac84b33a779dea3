package io.luciole;

import org.jspecify.annotations.Nullable;

/** For requests that nobody accounts for. */
enum NoOwner implements Request.Owner {
  IT;

  @Override
  public void attempting(Request request) {}

  @Override
  public void settling(Request request, Request.Ending ending, @Nullable Throwable failure) {}

  @Override
  public void attempted(Request request) {}
}
