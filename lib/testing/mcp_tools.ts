/** A real MCP server for tests: `deno run … mcp_tools.ts` speaks over standard input and output; see also {@link mcpHttp}. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

/** Adds, fails, hangs, dies, and says what it finds in its environment. */
function makeServer(): McpServer {
  const server = new McpServer({ name: "test", version: "1.0.0" });
  const text = (text: string) => ({ content: [{ type: "text" as const, text }] });
  server.registerTool("add", {
    description: "adds two numbers",
    inputSchema: z.object({ a: z.number(), b: z.number() }),
  }, ({ a, b }) => text(`${a + b}`));
  server.registerTool("fail", { description: "fails", inputSchema: z.object({}) }, () => ({
    ...text("it cannot be done"),
    isError: true,
  }));
  server.registerTool(
    "hang",
    { description: "hangs", inputSchema: z.object({}) },
    () => new Promise<never>(() => {}),
  );
  server.registerTool("die", { description: "dies", inputSchema: z.object({}) }, () => Deno.exit(3));
  server.registerTool(
    "variable",
    { description: "a variable's value", inputSchema: z.object({ name: z.string() }) },
    ({ name }) => text(Deno.env.get(name) ?? "(unset)"),
  );
  server.registerTool(
    "pid",
    { description: "its process", inputSchema: z.object({}) },
    () => text(`${Deno.pid}`),
  );
  server.registerTool("bad name!", { description: "", inputSchema: z.object({}) }, () => text(""));
  return server;
}

/** The same over HTTP; only with this value of the header X-Key. */
export function mcpHttp(key: string): { readonly url: string } & AsyncDisposable {
  const handler = createMcpHandler(makeServer);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) =>
      request.headers.get("x-key") === key ? handler.fetch(request) : new Response("no", { status: 401 }),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/mcp`,
    async [Symbol.asyncDispose]() {
      await handler.close();
      await server.shutdown();
    },
  };
}

if (import.meta.main) serveStdio(makeServer);
