/**
 * Downloads models from the Hugging Face hub, or a mirror of it, into Luciole's cache folder. Start
 * at {@link io.luciole.hub.ModelHub}. The way of one pull:
 *
 * <pre>
 * HubListing ─▶ FileChoice ─▶ PullFolder (what is here already) ─▶ FileFetcher ─▶ PullFolder.publish
 *                                     HubClient: redirects, proxies, time limits
 * </pre>
 */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole.hub;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
