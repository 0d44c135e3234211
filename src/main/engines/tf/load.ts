import Module, { createRequire } from 'node:module'
import type { TensorEngine, Tfjs } from '../tensor-api.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { findInstallation, type Installation } from './cache.ts'
import { createNativeOps, type NativeBackend } from './native-ops.ts'

const requireFrom = createRequire(import.meta.url)
let loaded: TensorEngine | null = null

/**
 * The learning engine: tfjs-node on the libtensorflow of `installation`. For worker processes only: the library stays loaded, blocks
 * the event loop while it computes, and a crash of it ends the process.
 * @throws Fault engine.notInstalled without an installation; engine.unavailable where the library does not load
 */
export function loadTensorEngine(installation: Installation | null = findInstallation()): TensorEngine {
  if (loaded) return loaded
  if (!installation) throw notInstalledFault()
  // its start-up notes are of no use to anyone; errors still come back as exceptions
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'
  restoreUtilFunctions()
  pointBindingAt(installation.binding)
  try {
    loaded = engineOf(requireFrom('@tensorflow/tfjs-node') as Tfjs)
    return loaded
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new Fault(
      'engine.unavailable',
      `libtensorflow in ${installation.folder} cannot be loaded on ${process.platform}-${process.arch}: ${why}. Remove that folder and install again.`,
      { folder: installation.folder },
      { cause },
    )
  }
}

function engineOf(tf: Tfjs): TensorEngine {
  // the pure-JavaScript backend is registered too: training must not fall back to it in silence
  if (tf.getBackend() !== 'tensorflow') throw new Error('the native backend did not register')
  const backend = tf.backend() as unknown as NativeBackend
  return { tf, version: backend.binding.TF_Version, native: createNativeOps(tf, backend) }
}

/**
 * tfjs-node 4.22 calls two functions of `util` that Node 23 removed (isNullOrUndefined) or warns of (isArray).
 * Source: nodejs.org deprecations DEP0051 and DEP0044.
 */
function restoreUtilFunctions(): void {
  const util = requireFrom('node:util') as Record<string, unknown>
  util['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined
  util['isArray'] = Array.isArray
}

/**
 * tfjs-node asks node-pre-gyp where its binding lies, and would look into node_modules, which is not ours to write to. In this process
 * the answer is the installation's; nothing else of node-pre-gyp is used at run time, and it is not loaded.
 */
function pointBindingAt(binding: string): void {
  const fromTfjsNode = createRequire(requireFrom.resolve('@tensorflow/tfjs-node/package.json'))
  const file = fromTfjsNode.resolve('@mapbox/node-pre-gyp')
  const stand = new Module(file)
  stand.filename = file
  stand.loaded = true
  stand.exports = { find: () => binding }
  requireFrom.cache[file] = stand
}

/** Version of the installed tfjs-node, read from its package.json without loading the library. */
export function tfjsVersion(): string {
  const { version } = requireFrom('@tensorflow/tfjs-node/package.json') as { version: string }
  return version
}

/** What is said where libtensorflow is needed and not there. */
export function notInstalledFault(): Fault {
  return new Fault(
    'engine.notInstalled',
    "Training, and measuring in TensorFlow.js itself, need libtensorflow, which is not installed yet. Run 'quantbench doctor --install-tensorflow' once (about 200 MB).",
  )
}
