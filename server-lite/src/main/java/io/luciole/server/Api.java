package io.luciole.server;

import java.util.List;

/** A family of operations. Called by many threads. */
interface Api {
  List<Route> routes();
}
