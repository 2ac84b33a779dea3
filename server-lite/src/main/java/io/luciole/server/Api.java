package io.luciole.server;

import java.util.List;

/** A family of operations, such as those of one vendor's API. Safe for use by many threads. */
interface Api {
  List<Route> routes();
}
