/**
 * Downloads models from the Hugging Face hub, or a mirror of it, into Luciole's cache folder. Start
 * at {@link io.luciole.hub.ModelHub}. The way of one pull:
 *
 * <pre>
 * HubListing ─▶ FileChoice ─▶ PullFolder (what is here already) ─▶ FileFetcher ─▶ PullFolder.publish
 *                                     HubClient: redirects, proxies, time limits
 * </pre>
 */
@NullMarked
package io.luciole.hub;

import org.jspecify.annotations.NullMarked;
