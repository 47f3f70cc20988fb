/**
 * A stand-in for Supabase Realtime, which cannot run here: Phoenix channels over a real WebSocket, version 1 or 2 of
 * the serialisation (https://supabase.com/docs/guides/realtime/protocol). It refuses what the real one refuses.
 */

/** The running stand-in. */
export interface RealtimeServer extends AsyncDisposable {
  readonly url: string;
  /** The topics that clients have joined, as `realtime:<name>`. */
  readonly joined: ReadonlySet<string>;
  /** Sends what `realtime.send(payload, event, topic, private)` sends. */
  broadcast(topic: string, event: string, payload: Record<string, unknown>): void;
  /** Breaks every connection. */
  cut(): void;
  /** Resolves at the next join. */
  whenJoined(): Promise<void>;
}

type Message = {
  joinRef: string | null;
  ref: string | null;
  topic: string;
  event: string;
  payload: Record<string, unknown>;
};

/** Starts it on a free loopback port; only `key` is let in, and only private channels may be joined. */
export function startRealtime(key: string): RealtimeServer {
  const sockets = new Map<WebSocket, boolean>();
  const joined = new Set<string>();
  let onJoin = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const url = new URL(request.url);
    if (url.pathname !== "/realtime/v1/websocket" || url.searchParams.get("apikey") !== key) {
      return new Response("Unauthorized", { status: 401 });
    }
    const asList = url.searchParams.get("vsn") === "2.0.0";
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => sockets.set(socket, asList);
    socket.onclose = () => sockets.delete(socket);
    socket.onmessage = ({ data }) => {
      const message = decode(String(data), asList);
      const status = message.event === "phx_join" ? joinAnswer(message, key) : "ok";
      if (message.event === "phx_join" && status === "ok") {
        joined.add(message.topic);
        onJoin.resolve();
        onJoin = Promise.withResolvers<void>();
      }
      if (message.event === "phx_leave") joined.delete(message.topic);
      socket.send(encode({ ...message, event: "phx_reply", payload: { status, response: {} } }, asList));
    };
    return response;
  });
  const closeAll = () => {
    for (const socket of sockets.keys()) socket.close();
    joined.clear();
  };
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    joined,
    broadcast(topic, event, payload) {
      const message = {
        joinRef: null,
        ref: null,
        topic: `realtime:${topic}`,
        event: "broadcast",
        payload: { type: "broadcast", event, payload },
      };
      for (const [socket, asList] of sockets) socket.send(encode(message, asList));
    },
    cut: closeAll,
    whenJoined: () => onJoin.promise,
    async [Symbol.asyncDispose]() {
      closeAll();
      await server.shutdown();
    },
  };
}

function joinAnswer({ payload }: Message, key: string): "ok" | "error" {
  const config = payload.config as { private?: boolean } | undefined;
  return payload.access_token === key && config?.private === true ? "ok" : "error";
}

function decode(text: string, asList: boolean): Message {
  const data = JSON.parse(text);
  if (!asList) {
    return {
      joinRef: data.join_ref ?? null,
      ref: data.ref,
      topic: data.topic,
      event: data.event,
      payload: data.payload,
    };
  }
  const [joinRef, ref, topic, event, payload] = data;
  return { joinRef, ref, topic, event, payload };
}

function encode({ joinRef, ref, topic, event, payload }: Message, asList: boolean): string {
  return JSON.stringify(
    asList ? [joinRef, ref, topic, event, payload] : { topic, event, payload, ref, join_ref: joinRef },
  );
}
