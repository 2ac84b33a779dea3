/**
 * Models: where their files are, what the files mean, and how their texts become token ids.
 *
 * <p>Of a checkpoint, {@code EncoderFamily} reads {@code config.json} with {@code ConfigReader}
 * into an {@link io.luciole.model.EncoderConfig} and its {@link io.luciole.model.Architecture},
 * {@code EncoderNames} has the family's names of weights, and {@link
 * io.luciole.model.EncoderWeights} finds the weights by them; {@code RelativePositions} and {@link
 * io.luciole.model.RotaryTable} compute what attention knows of tokens' places.
 */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole.model;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
