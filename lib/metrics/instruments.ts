/** Makes the instruments of one registry. prom-client is loaded here, and only by who wants metrics. */
import type { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Makes instruments; every name begins with `actp_`, unless it is one of the `process_` names of Prometheus. */
export interface Instruments {
  readonly registry: Registry;
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>;
}

/** A new registry, which nothing else shares. */
export async function createInstruments(): Promise<Instruments> {
  const { default: prom } = await import("prom-client");
  const registry = new prom.Registry();
  const common = <L extends string>(name: string, help: string, labels: readonly L[]) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    registry,
    counter: (name, help, labels = []) => new prom.Counter(common(name, help, labels)),
    gauge: (name, help, labels = []) => new prom.Gauge(common(name, help, labels)),
    histogram: (name, help, buckets, labels = []) =>
      new prom.Histogram({ ...common(name, help, labels), buckets: [...buckets] }),
  };
}
