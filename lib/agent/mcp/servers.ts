/** The MCP servers of one agent: connected when they are first needed, and again when they have died. */
import type { Client, JsonSchemaType, Tool, Transport } from "@modelcontextprotocol/client";
import type { Logger } from "@logtape/logtape";
import type { McpServerSettings } from "../../config/agent_rules.ts";
import { logger } from "../../log.ts";
import { baseEnvironment } from "../../process.ts";
import { VERSION } from "../../version.ts";
import type { LoopTool } from "../loop/tools.ts";
import { stdioTransport } from "./stdio.ts";
import { type CallMcpTool, mcpTool, named, offeredName, offerProblem } from "./tool.ts";

/** How long connecting and listing may take, in ms. */
const CONNECT_MS = 30_000;
/** No server may offer more. */
const MAX_TOOLS = 200;

/** Where values of variables come from. */
export type Environment = Readonly<Record<string, string>>;

/** All servers that the agent is offered. */
export class McpServers {
  readonly #servers: readonly McpServer[];

  constructor(settings: Readonly<Record<string, McpServerSettings>>, agentId: string, env: Environment) {
    this.#servers = Object.entries(settings)
      .filter(([, { agents }]) => agents === undefined || agents.includes(agentId))
      .map(([name, one]) => new McpServer(name, one, env));
  }

  /** Whether any of them is a program of this machine. */
  get startsPrograms(): boolean {
    return this.#servers.some(({ settings }) => "command" in settings);
  }

  /** The tools of all servers that answer; one that does not is reported in the log and left out. */
  async tools(signal: AbortSignal): Promise<readonly LoopTool[]> {
    return (await Promise.all(this.#servers.map((server) => server.tools(signal)))).flat();
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }
}

class McpServer {
  readonly settings: McpServerSettings;
  readonly #name: string;
  readonly #env: Environment;
  readonly #log: Logger;
  #connection: Promise<Client> | undefined;

  constructor(name: string, settings: McpServerSettings, env: Environment) {
    this.#name = name;
    this.settings = settings;
    this.#env = env;
    this.#log = logger("mcp", name);
  }

  async tools(signal: AbortSignal): Promise<LoopTool[]> {
    try {
      const client = await this.#connect();
      const { tools } = await client.listTools(undefined, { signal, timeout: CONNECT_MS });
      const allowed = tools.filter(({ name }) => named(this.settings.allow, name)).slice(0, MAX_TOOLS);
      this.#reportMissing(tools.map(({ name }) => name));
      return (await Promise.all(allowed.map((tool) => this.#offer(tool)))).flat();
    } catch (error) {
      signal.throwIfAborted();
      this.#log.warn("the MCP server {name} is left out: {reason}", {
        name: this.#name,
        reason: (error as Error).message,
      });
      await this.close();
      return [];
    }
  }

  /** The tool; none where the model cannot be given it. */
  async #offer(tool: Tool): Promise<LoopTool[]> {
    const { fromJsonSchema } = await import("@modelcontextprotocol/client");
    try {
      const problem = offerProblem(this.#name, tool);
      if (problem) throw new Error(problem);
      const schema = fromJsonSchema(tool.inputSchema as JsonSchemaType);
      return [mcpTool(this.#name, this.settings, tool, schema, this.#call)];
    } catch (error) {
      this.#log.warn("{tool} is not offered: {problem}", {
        tool: offeredName(this.#name, tool.name),
        problem: (error as Error).message,
      });
      return [];
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    try {
      await (await connection)?.close();
    } catch {
      // it never connected, or is gone already
    }
  }

  /** Connects again where the connection is gone. */
  readonly #call: CallMcpTool = async (name, input, signal) => {
    const client = await this.#connect().catch((error: Error) => {
      throw new Error(`The MCP server ${this.#name} does not answer: ${error.message}`, { cause: error });
    });
    return await client.callTool({ name, arguments: input }, {
      signal,
      timeout: this.settings.timeoutSeconds * 1000,
    });
  };

  #connect(): Promise<Client> {
    if (this.#connection) return this.#connection;
    const connection: Promise<Client> = this.#open(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#connection = connection;
    connection.catch(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  /** Servers of both kinds are asked which protocol they speak; a program that ends at that is asked in the old way. */
  async #open(onClose: () => void): Promise<Client> {
    try {
      return await this.#connectAs("auto", onClose);
    } catch (error) {
      if (!("command" in this.settings)) throw error;
      return await this.#connectAs("legacy", onClose);
    }
  }

  async #connectAs(mode: "auto" | "legacy", onClose: () => void): Promise<Client> {
    const { Client } = await import("@modelcontextprotocol/client");
    const client = new Client({ name: "actp-worker", version: VERSION }, { versionNegotiation: { mode } });
    client.onclose = onClose;
    client.onerror = (error) => this.#log.debug("{reason}", { reason: error.message });
    const transport = await this.#transport();
    try {
      await client.connect(transport, { timeout: CONNECT_MS });
    } catch (error) {
      await transport.close();
      throw error;
    }
    return client;
  }

  async #transport(): Promise<Transport> {
    const { settings } = this;
    if ("command" in settings) {
      const passed = settings.env.map((name) => [name, this.#variable(name)]);
      return stdioTransport({
        program: settings.command,
        args: settings.args,
        env: { ...baseEnvironment(), ...Object.fromEntries(passed) },
        cwd: settings.cwd,
        log: this.#log,
      });
    }
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
    const headers = Object.entries(settings.headersEnv).map(([name, from]) => [name, this.#variable(from)]);
    return new StreamableHTTPClientTransport(new URL(settings.url), {
      requestInit: { headers: Object.fromEntries(headers), redirect: "error" },
    });
  }

  #variable(name: string): string {
    const value = this.#env[name];
    if (value === undefined) throw new Error(`the environment variable ${name} is not set`);
    return value;
  }

  #reportMissing(offered: readonly string[]): void {
    const missing = this.settings.allow.filter((name) => name !== "*" && !offered.includes(name));
    if (missing.length > 0) {
      this.#log.warn("{name} has no tool {missing} (mcpServers.{name}.allow)", {
        name: this.#name,
        missing: missing.join(", "),
      });
    }
  }
}
