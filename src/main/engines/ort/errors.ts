import { Fault, isFault, type FaultCode, type FaultData } from '../../../shared/contract/fault.ts'

/** What was being done when the runtime complained. */
export interface ErrorContext {
  readonly stage: 'load' | 'run'
  /** the model's path, null for a model from memory */
  readonly model: string | null
}

interface Rule {
  readonly pattern: RegExp
  readonly code: FaultCode
  /** the sentence, from the groups of the match */
  readonly say: (groups: Readonly<Record<string, string | undefined>>, subject: string) => string
}

/** ONNX Runtime's messages, most specific first. Source: messages seen with onnxruntime-node 1.30. */
const rules: readonly Rule[] = [
  {
    pattern: /File doesn't exist/,
    code: 'file.notFound',
    say: (_, subject) => `${subject} does not exist. Check the path.`,
  },
  {
    pattern: /(?:bad allocation|std::bad_alloc|Failed to allocate memory)(?:.*?size (?<bytes>\d+))?/s,
    code: 'engine.outOfMemory',
    say: ({ bytes }, subject) =>
      `${subject} needs more memory than this machine gives${bytes ? ` (a buffer of ${bytes} bytes was asked for)` : ''}. ` +
      'Use a smaller batch or input, or fewer workers.',
  },
  {
    pattern: /No Op registered for (?<op>\S+) with domain_version of (?<version>\d+)/,
    code: 'engine.unsupportedOp',
    say: ({ op, version }, subject) =>
      `${subject} uses operator ${op}, which ONNX Runtime does not know in opset ${version}.`,
  },
  {
    pattern:
      /(?:Could not find an implementation|NOT_IMPLEMENTED)[^]*? (?:for )?(?<op>[\w.]+)\((?<version>\d+)\) node with name '(?<node>[^']*)'/,
    code: 'engine.unsupportedOp',
    say: ({ op, version, node }, subject) =>
      `${subject}: ONNX Runtime has no kernel for ${op} (opset ${version}) at node '${node}' with these tensor types.`,
  },
  {
    pattern: /(?<op>[\w.:]+)(?:\(-?\d+\))? is not a registered function\/op/,
    code: 'engine.unsupportedOp',
    say: ({ op }, subject) => `${subject} uses operator ${op}, which is not in ONNX Runtime (a custom operator?).`,
  },
  {
    pattern: /Opset (?<version>\d+) is under development[^]*till opset (?<limit>\d+)/,
    code: 'engine.unsupportedOpset',
    say: ({ version, limit }, subject) =>
      `${subject} is written in opset ${version}; this ONNX Runtime reads up to ${limit}.`,
  },
  {
    pattern: /Unsupported model IR version: (?<version>\d+), max supported IR version: (?<limit>\d+)/,
    code: 'engine.unsupportedOpset',
    say: ({ version, limit }, subject) =>
      `${subject} has IR version ${version}; this ONNX Runtime reads up to ${limit}.`,
  },
  {
    pattern: /Unsupported data type: (?<type>\d+)/,
    code: 'engine.unsupportedType',
    say: ({ type }, subject) =>
      `${subject} has an input or output of ONNX element type ${type}, which ONNX Runtime's Node binding cannot carry.`,
  },
  {
    pattern: /[Pp]rotobuf parsing failed|ModelProto does not have a graph/,
    code: 'engine.invalidModel',
    say: (_, subject) => `${subject} is not a readable ONNX file (truncated, or another format).`,
  },
  {
    pattern:
      /Got invalid dimensions for input: (?<tensor>.*?) for the following indices\s+index: (?<axis>\d+) Got: (?<found>-?\d+) Expected: (?<expected>-?\d+)/s,
    code: 'engine.inputShape',
    say: ({ tensor, axis, found, expected }) =>
      `Input '${tensor}' has ${found} on axis ${axis} where the model takes ${expected}. Check preprocessing and batch size.`,
  },
  {
    pattern: /Invalid rank for input: (?<tensor>.*?) Got: (?<found>\d+) Expected: (?<expected>\d+)/s,
    code: 'engine.inputShape',
    say: ({ tensor, found, expected }) =>
      `Input '${tensor}' was given ${found} dimensions where the model takes ${expected}. Check preprocessing and layout.`,
  },
  {
    pattern:
      /Unexpected input data type\. Actual: \(tensor\((?<found>\w+)\)\) , expected: \(tensor\((?<expected>\w+)\)\)/,
    code: 'engine.inputType',
    say: ({ found, expected }) => `An input was given as ${found} where the model takes ${expected}.`,
  },
  {
    pattern:
      /Non-zero status code returned while running (?<op>\S+) node\. Name:'(?<node>[^']*)' Status Message: (?<detail>[^]*)/,
    code: 'engine.runFailed',
    say: ({ op, node, detail }, subject) => `${subject} failed at ${op} node '${node}': ${trimNoise(detail ?? '')}.`,
  },
]

/**
 * Turns what ONNX Runtime's binding throws into a fault with one sentence: node and tensor names kept, source locations and
 * C++ signatures dropped. Faults pass through unchanged.
 */
export function toEngineFault(error: unknown, context: ErrorContext): Fault {
  if (isFault(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  const subject = context.model === null ? 'The model' : `Model ${context.model}`
  for (const { pattern, code, say } of rules) {
    const match = pattern.exec(message)
    if (match) return new Fault(code, say(match.groups ?? {}, subject), dataOf(match.groups, context), { cause: error })
  }
  const detail = trimNoise(message)
  return context.stage === 'load'
    ? new Fault(
        'engine.invalidModel',
        `${subject} is refused by ONNX Runtime: ${detail}.`,
        dataOf(undefined, context),
        { cause: error },
      )
    : new Fault('engine.runFailed', `${subject} failed to run: ${detail}.`, dataOf(undefined, context), {
        cause: error,
      })
}

function dataOf(groups: Readonly<Record<string, string | undefined>> | undefined, context: ErrorContext): FaultData {
  const data: Record<string, string> = {}
  if (context.model !== null) data['model'] = context.model
  for (const [key, value] of Object.entries(groups ?? {}))
    if (value !== undefined && key !== 'detail') data[key] = value
  return data
}

/** One line without "Load model from … failed:", source files, C++ signatures and the final stop. */
export function trimNoise(message: string): string {
  return (
    message
      .replace(/^Load model from .*? failed:/s, '')
      .replace(/^This is an invalid model\. /, '')
      .replace(/\/\S*onnxruntime\S*\.(?:h|cc|cpp|hpp):\d+ /g, '')
      // a C++ signature runs up to the closing bracket of its parameters and always has a scope operator
      .replace(
        /(?:(?:virtual|static|const|void|bool|auto) |[\w:]+(?:<[^>]*>)?(?:::[\w~]+)*[*&]? )?[\w:<>~]*::[\w~<>:]+\([^)]*\)(?: const)?(?: \[with [^\]]*\])? /g,
        '',
      )
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/\.$/, '')
  )
}
