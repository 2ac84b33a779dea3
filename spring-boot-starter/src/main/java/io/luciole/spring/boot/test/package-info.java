/** Tests of applications without a model. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.spring.boot.test;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
