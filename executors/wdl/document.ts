/**
 * Reads what a worker must know of a WDL document: its version, imports, structs, and of every task and workflow the
 * inputs, outputs, calls and command. Expressions are kept as text. Pure.
 */
import { type Token, tokenize, WdlSyntaxError } from "./tokens.ts";
import type { Struct, WdlType } from "./types.ts";

/** `String name = "x"`. */
export interface Declaration {
  readonly name: string;
  /** Undefined for draft-2's outputs that only name a call's output: `output { call.x }`. */
  readonly type?: WdlType;
  readonly expression?: string;
}

/** A call of a task or workflow. */
export interface Call {
  /** What it is known by: its alias, or the last part of the callee's name. */
  readonly name: string;
  /** As written: `task` or `namespace.task`. */
  readonly callee: string;
  /** Inside a scatter or a condition: its outputs are there several times, or perhaps not at all. */
  readonly nested: boolean;
}

/** A task or a workflow. */
export interface Definition {
  readonly kind: "task" | "workflow";
  readonly name: string;
  readonly inputs: readonly Declaration[];
  /** Undefined where there is no output section at all. */
  readonly outputs?: readonly Declaration[];
  readonly calls: readonly Call[];
  /** The command's place in the source, with its delimiters. */
  readonly command?: Token;
  /** Names in its `runtime` (or `requirements`) section. */
  readonly runtime: readonly string[];
}

/** `import "uri" as namespace`. */
export interface Import {
  readonly uri: string;
  /** The URI's place in the source, with its quotes. */
  readonly start: number;
  readonly end: number;
  readonly namespace: string;
  /** Structs that get other names here: `alias old as new`. */
  readonly aliases: readonly { readonly old: string; readonly name: string }[];
}

/** One document. */
export interface Document {
  /** `draft-2` where none is declared. */
  readonly version: string;
  readonly imports: readonly Import[];
  readonly structs: ReadonlyMap<string, Struct>;
  readonly definitions: readonly Definition[];
}

const SKIPPED_SECTIONS = ["meta", "parameter_meta", "hints"];
const RUNTIME_SECTIONS = ["runtime", "requirements"];
/** An expression goes on after one of these words, and before `then` and `else`. */
const JOINING_WORDS = ["if", "then", "else"];
const MAX_DEPTH = 100;

/** @throws WdlSyntaxError where the document is no WDL */
export function readDocument(source: string): Document {
  return new Reader(source).document();
}

interface Body {
  inputs: Declaration[];
  bare: Declaration[];
  outputs?: Declaration[];
  calls: Call[];
  command?: Token;
  runtime: string[];
}

class Reader {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #draft2 = false;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  document(): Document {
    const version = this.#version();
    this.#draft2 = version === "draft-2";
    const imports: Import[] = [];
    const structs = new Map<string, Struct>();
    const definitions: Definition[] = [];
    while (this.#at < this.#tokens.length) {
      const word = this.#word("import, struct, task or workflow");
      if (word === "import") imports.push(this.#import());
      else if (word === "struct") {
        const name = this.#word("the struct's name");
        const members = this.#braced(() => this.#declarations());
        structs.set(name, new Map(members.map((member) => [member.name, member.type!])));
      } else if (word === "enum") {
        this.#word("the enum's name");
        if (this.#sees("[")) this.#skipBalanced();
        this.#skipBalanced();
      } else if (word === "task" || word === "workflow") definitions.push(this.#definition(word));
      else throw this.#unexpected(-1, "import, struct, task or workflow");
    }
    return { version, imports, structs, definitions };
  }

  /** The version is no ordinary token (`1.0`, `development`): it is read from the first line that is no comment. */
  #version(): string {
    if (this.#tokens[0]?.text !== "version") return "draft-2";
    const version = /^version\s+(\S+)/.exec(this.#source.slice(this.#tokens[0].start))?.[1] ?? "";
    const end = this.#source.indexOf(version, this.#tokens[0].end) + version.length;
    while (this.#peek() && this.#peek()!.start < end) this.#at++;
    return version;
  }

  #import(): Import {
    const token = this.#peek();
    if (token?.kind !== "string") {
      throw this.#unexpected(0, "a file's name in quotes (modules cannot be imported)");
    }
    this.#at++;
    const uri = token.text.slice(1, -1);
    let namespace = uri.split("/").at(-1)!.replace(/\.wdl$/, "");
    if (this.#takes("as")) namespace = this.#word("the import's name");
    const aliases: { old: string; name: string }[] = [];
    while (this.#takes("alias")) {
      const old = this.#word("a struct's name");
      this.#expect("as");
      aliases.push({ old, name: this.#word("its new name") });
    }
    return { uri, start: token.start, end: token.end, namespace, aliases };
  }

  #definition(kind: "task" | "workflow"): Definition {
    const name = this.#word(`the ${kind}'s name`);
    const body: Body = { inputs: [], bare: [], calls: [], runtime: [] };
    this.#braced(() => this.#body(body, kind, false, 0));
    // Draft-2 has no input section: what is declared in the body may be given from outside.
    const inputs = this.#draft2 ? [...body.inputs, ...body.bare] : body.inputs;
    const { outputs, calls, command, runtime } = body;
    return { kind, name, inputs, outputs, calls, command, runtime };
  }

  #body(body: Body, kind: "task" | "workflow", nested: boolean, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#unexpected(0, "less deeply nested sections");
    while (this.#peek() && !this.#sees("}")) {
      const { text } = this.#peek()!;
      const section = this.#tokens[this.#at + 1]?.text === "{";
      if (text === "input" && section) {
        this.#at++;
        body.inputs.push(...this.#braced(() => this.#declarations()));
      } else if (text === "output" && section) {
        this.#at++;
        (body.outputs ??= []).push(...this.#braced(() => this.#declarations()));
      } else if (text === "command" && this.#tokens[this.#at + 1]?.kind === "command") {
        body.command = this.#tokens[this.#at + 1];
        this.#at += 2;
      } else if (SKIPPED_SECTIONS.includes(text) && section) {
        this.#at++;
        this.#skipBalanced();
      } else if (RUNTIME_SECTIONS.includes(text) && section) {
        this.#at++;
        body.runtime.push(...this.#names());
      } else if (kind === "workflow" && text === "call") {
        body.calls.push(this.#call(nested));
      } else if (kind === "workflow" && ["scatter", "if", "else"].includes(text)) {
        this.#at++;
        if (text === "else") this.#takes("if");
        if (this.#sees("(")) this.#skipBalanced();
        this.#braced(() => this.#body(body, kind, true, depth + 1));
      } else {
        const declaration = this.#declaration();
        if (!nested) body.bare.push(declaration);
      }
    }
  }

  #call(nested: boolean): Call {
    this.#at++;
    let callee = this.#word("what to call");
    while (this.#takes(".")) callee += `.${this.#word("what to call")}`;
    let name = callee.split(".").at(-1)!;
    if (this.#takes("as")) name = this.#word("the call's name");
    while (this.#takes("after")) this.#word("the name of a call");
    if (this.#sees("{")) this.#skipBalanced();
    return { name, callee, nested };
  }

  #declarations(): Declaration[] {
    const found: Declaration[] = [];
    while (this.#peek() && !this.#sees("}")) {
      const section = this.#tokens[this.#at + 1]?.text === "{";
      if (section && SKIPPED_SECTIONS.includes(this.#peek()!.text)) {
        this.#at++;
        this.#skipBalanced(); // of a struct
      } else found.push(this.#declaration());
    }
    return found;
  }

  #declaration(): Declaration {
    const next = this.#tokens[this.#at + 1]?.text;
    if (this.#draft2 && next === ".") return this.#reference();
    // WDL 1.2 marks what the command shall find in its environment: `env String name`.
    const afterNext = this.#tokens[this.#at + 2];
    if (this.#sees("env") && (afterNext?.kind === "word" || "[?".includes(afterNext?.text ?? "none"))) {
      this.#at++;
    }
    const type = this.#type(0);
    const name = this.#word("a name");
    if (!this.#takes("=")) return { name, type };
    return { name, type, expression: this.#expression() };
  }

  /** Draft-2: `call.x` or `call.*`. */
  #reference(): Declaration {
    let name = this.#word("a call's name");
    while (this.#takes(".")) name += this.#takes("*") ? ".*" : `.${this.#word("an output's name")}`;
    return { name };
  }

  #type(depth: number): WdlType {
    if (depth > MAX_DEPTH) throw this.#unexpected(0, "a simpler type");
    let name = this.#word("a type");
    while (this.#takes(".")) name += `.${this.#word("a type")}`;
    const inner: WdlType[] = [];
    if (this.#takes("[")) {
      do inner.push(this.#type(depth + 1)); while (this.#takes(","));
      this.#expect("]");
    }
    this.#takes("+");
    return { name, arguments: inner, optional: this.#takes("?") };
  }

  /** Two operands that follow each other without an operator belong to two statements. */
  #expression(): string {
    const first = this.#peek();
    let complete = false;
    for (let token = this.#peek(); token; token = this.#peek()) {
      if (")]},".includes(token.text)) break;
      const joining = JOINING_WORDS.includes(token.text);
      if (complete && token.kind !== "symbol" && (!joining || token.text === "if")) break;
      if ("([{".includes(token.text)) this.#skipBalanced();
      else this.#at++;
      complete = !joining && (token.kind !== "symbol" || "([{".includes(token.text));
    }
    if (!first || !complete || first.text === "=") throw this.#unexpected(0, "an expression");
    return this.#source.slice(first.start, this.#tokens[this.#at - 1].end);
  }

  /** The names before the colons of a section. */
  #names(): string[] {
    const begin = this.#at;
    this.#skipBalanced();
    const names: string[] = [];
    let depth = 0;
    for (let i = begin; i < this.#at; i++) {
      const { text, kind } = this.#tokens[i];
      if (kind === "symbol" && "{[(".includes(text)) depth++;
      if (kind === "symbol" && ")]}".includes(text)) depth--;
      if (depth === 1 && kind === "word" && this.#tokens[i + 1]?.text === ":") names.push(text);
    }
    return names;
  }

  #skipBalanced(): void {
    const open = this.#peek();
    let depth = 0;
    do {
      const token = this.#peek();
      if (!token) {
        throw new WdlSyntaxError(this.#source, open?.start ?? this.#source.length, "this is never closed");
      }
      if (token.kind === "symbol" && "{[(".includes(token.text)) depth++;
      if (token.kind === "symbol" && ")]}".includes(token.text)) depth--;
      if (depth === 0 && token === open) throw this.#unexpected(0, "{");
      this.#at++;
    } while (depth > 0);
  }

  #braced<T>(read: () => T): T {
    this.#expect("{");
    const found = read();
    this.#expect("}");
    return found;
  }

  #word(wanted: string): string {
    const token = this.#peek();
    if (token?.kind !== "word") throw this.#unexpected(0, wanted);
    this.#at++;
    return token.text;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #sees(text: string): boolean {
    return this.#peek()?.text === text;
  }

  #takes(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw this.#unexpected(0, text);
  }

  #unexpected(offset: number, wanted: string): WdlSyntaxError {
    const token = this.#tokens[this.#at + offset];
    const found = token ? JSON.stringify(token.text.slice(0, 40)) : "the end of the document";
    return new WdlSyntaxError(
      this.#source,
      token?.start ?? this.#source.length,
      `expected ${wanted}, found ${found}`,
    );
  }
}
