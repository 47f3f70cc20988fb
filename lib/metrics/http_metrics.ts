/** What the control API is asked, by route as declared. */
import type { RequestObserver } from "../control/observed_requests.ts";
import type { Instruments } from "./instruments.ts";
import { OTHER } from "./label_bound.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5];

/** Makes them. */
export function httpMetrics({ counter, histogram }: Instruments): RequestObserver {
  const requests = counter("actp_http_requests_total", "Requests to the control API.", [
    "method",
    "route",
    "status",
  ]);
  const seconds = histogram(
    "actp_http_request_seconds",
    "Until the head of the answer to a request.",
    SECONDS,
    ["route"],
  );
  return ({ method, route, status, ms }) => {
    requests.inc({ method: METHODS.includes(method) ? method : OTHER, route, status });
    seconds.observe({ route }, ms / 1000);
  };
}
