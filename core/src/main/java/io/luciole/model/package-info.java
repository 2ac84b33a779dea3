/** Models: where their files are, what the files mean, and how their texts become token ids. */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole.model;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
