/**
 * Fetching models from the Hugging Face hub. The way of one pull:
 *
 * <pre>
 * HubListing ─▶ FileChoice ─▶ PullFolder (what is here already) ─▶ FileFetcher ─▶ PullFolder.publish
 *                                     HubClient: redirects, proxies, time limits
 * </pre>
 */
@NullMarked
package io.luciole.hub;

import org.jspecify.annotations.NullMarked;
