/** URLs of token servers (HTTP-2, HTTP-3, DOC-10). @module */

import { lookup } from "node:dns";
import { BlockList, isIPv4, isIPv6 } from "node:net";

import { invalid } from "./errors.mjs";

/**
 * Reads a URL, and refuses what HTTP-2 and HTTP-3 refuse. No error holds a part
 * of the URL.
 *
 * @param {string} text
 * @param {string} origin
 * @param {boolean} overSocket
 */
export function checkURL(text, origin, overSocket) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw invalid(`${origin}: is not a URL`);
  }
  if (/[\x00-\x20\x7f\\]/.test(text)) throw invalid(`${origin}: holds white space, a backslash or a control character`);
  if (/^[^/]*\/\/[^/?#]*@/.test(text)) throw invalid(`${origin}: must not hold a user`);
  if (text.includes("#")) throw invalid(`${origin}: must not hold a fragment`);
  if (!["https:", "http:"].includes(url.protocol)) throw invalid(`${origin}: must be an https URL`);
  if (url.protocol === "http:" && !overSocket && !isLocal(hostOf(text))) {
    throw invalid(`${origin}: must be an https URL, for its host is neither loopback nor a metadata service`);
  }
  return url;
}

/**
 * The host of a URL as it is written.
 *
 * @param {string} text
 */
export const hostOf = (text) => /^[^:]*:\/\/(?:\[([^\]]*)\]|([^:/?#]*))/.exec(text)?.slice(1).find(Boolean) ?? "";

/**
 * The path and the query of a URL, byte for byte. What a URL cannot hold is encoded.
 *
 * @param {string} text
 */
export function targetOf(text) {
  const target = /^[^:]*:\/\/[^/?#]*(.*)$/s.exec(text)?.[1] ?? "";
  return (target.startsWith("/") ? target : `/${target}`).replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
}

/**
 * Puts parameters in the place of those of the same name, and leaves the other bytes
 * of a URL alone (DOC-10).
 *
 * @param {string} text
 * @param {[string, string][]} values
 */
export function setParameters(text, values) {
  if (values.length === 0) return text;
  const [before, ...query] = text.split("?");
  const names = values.map(([name]) => name);
  /** @param {string} part */
  const nameOf = (part) => [...new URLSearchParams(part).keys()][0] ?? "";
  const kept = query.length === 0 ? [] : query.join("?").split("&").filter((part) => !names.includes(nameOf(part)));
  return `${before}?${[...kept, new URLSearchParams(values)].join("&")}`;
}

const LOCAL = new BlockList();
LOCAL.addSubnet("127.0.0.0", 8);
LOCAL.addAddress("169.254.169.254");
LOCAL.addSubnet("169.254.128.0", 22);
LOCAL.addAddress("::1", "ipv6");
LOCAL.addAddress("fd00:ec2::254", "ipv6");
LOCAL.addAddress("fd20:ce::254", "ipv6");

/** @param {string} address */
const isLocalAddress = (address) => LOCAL.check(address, isIPv4(address) ? "ipv4" : "ipv6");

/**
 * Whether plain http is allowed to a host: a name, or an address in its usual form (HTTP-2).
 *
 * @param {string} host
 */
export function isLocal(host) {
  if (isIPv4(host)) return isLocalAddress(host);
  if (isIPv6(host)) return new URL(`http://[${host}]`).hostname === `[${host}]` && isLocalAddress(host);
  return ["localhost", "metadata.google.internal"].includes(host.toLowerCase());
}

/**
 * dns.lookup that has no address but those that plain http is allowed to: a name may
 * stand for any.
 *
 * @type {import("node:net").LookupFunction}
 */
export function lookupLocal(host, options, callback) {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const foreign = !error && addresses.some(({ address }) => !isLocalAddress(address));
    const failure = foreign
      ? invalid(`${host} is not an address of this machine or a metadata service, so plain http is refused`)
      : error;
    if (failure) callback(failure, "");
    else if (options.all) callback(null, addresses);
    else callback(null, addresses[0].address, addresses[0].family);
  });
}
