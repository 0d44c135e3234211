import { readFileSync } from 'node:fs'
import os from 'node:os'
import { execFileSync } from 'node:child_process'
import { PRODUCT } from '../../shared/contract/product.ts'
import type { Environment } from '../../shared/contract/runs.ts'
import { ortVersion } from './ort/engine.ts'

/** Instruction sets that decide which integer kernels ONNX Runtime takes, by their name in Linux's `flags` line. */
const x86Flags = [
  'avx2',
  'avx512f',
  'avx512bw',
  'avx512_vnni',
  'avx_vnni',
  'avx_vnni_int8',
  'amx_int8',
  'amx_tile',
] as const
/** The same on Arm, from Linux's `Features` line: dot products and int8 matrix products. */
const armFlags = ['asimd', 'asimddp', 'i8mm', 'sve', 'sve2', 'bf16'] as const

/** The machine and versions that measurements are kept under. Does not load any engine. */
export function readEnvironment(): Environment {
  const cpus = os.cpus()
  return {
    cpu: cpuModel(cpus[0]?.model),
    cores: os.availableParallelism(),
    isa: instructionSets(),
    memoryBytes: os.totalmem(),
    platform: `${process.platform}-${process.arch}`,
    versions: { quantbench: PRODUCT.version, node: process.versions.node, onnxruntime: ortVersion() },
  }
}

/** True where 8-bit dot products have instructions of their own; without, int8 is often no faster than float. */
export function hasInt8DotProduct(isa: readonly string[]): boolean {
  return ['avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp', 'i8mm'].some((flag) => isa.includes(flag))
}

function cpuModel(model: string | undefined): string {
  return model?.replace(/\s+/g, ' ').trim() || process.arch
}

function instructionSets(): string[] {
  switch (process.platform) {
    case 'linux':
      return parseCpuinfo(readOr('/proc/cpuinfo'))
    case 'darwin':
      return parseSysctl(runOr('/usr/sbin/sysctl', ['-a', 'hw.optional', 'machdep.cpu']))
    default:
      // Windows tells no flags without native code; every x64 CPU that Windows 11 supports has AVX2
      return process.platform === 'win32' && process.arch === 'x64' ? ['avx2'] : []
  }
}

/** The sets named in the `flags` (x86) or `Features` (Arm) line of /proc/cpuinfo, in the order of the tables above. */
export function parseCpuinfo(text: string): string[] {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? ''
  const flags = new Set(line.split(/\s+/))
  return [...x86Flags, ...armFlags].filter((flag) => flags.has(flag))
}

/** The same from macOS's sysctl: `hw.optional.avx2_0: 1`, `hw.optional.arm.FEAT_DotProd: 1`. */
export function parseSysctl(text: string): string[] {
  const keys: readonly (readonly [string, string])[] = [
    ['hw.optional.avx2_0', 'avx2'],
    ['hw.optional.avx512f', 'avx512f'],
    ['hw.optional.avx512bw', 'avx512bw'],
    ['hw.optional.avx512vnni', 'avx512_vnni'],
    ['hw.optional.AdvSIMD', 'asimd'],
    ['hw.optional.arm.FEAT_DotProd', 'asimddp'],
    ['hw.optional.arm.FEAT_I8MM', 'i8mm'],
    ['hw.optional.arm.FEAT_BF16', 'bf16'],
  ]
  const set = new Set(text.split('\n').map((line) => line.replace(/\s+/g, '')))
  return keys.filter(([key]) => set.has(`${key}:1`)).map(([, name]) => name)
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // a sandbox without /proc: the CPU's abilities are unknown, which is told as none
  }
}

function runOr(command: string, parameters: readonly string[]): string {
  try {
    return execFileSync(command, parameters, { encoding: 'utf8', timeout: 2000, stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return '' // as above
  }
}
