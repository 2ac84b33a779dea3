package io.luciole.spark;

import java.io.Serializable;
import java.util.List;

/**
 * What the driver knows of a model without having it.
 *
 * @param fingerprint as {@code ModelFingerprint.format} has it
 * @param normalized whether dense vectors have length 1
 * @param colbertDimension the components of a token's vector; 0 if there are none or it is not
 *     known
 * @param outputs the names of its outputs, which are those of their columns
 */
record ModelFacts(
    String fingerprint, boolean normalized, int colbertDimension, List<String> outputs)
    implements Serializable {}
