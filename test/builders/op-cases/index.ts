import type { OpCase } from '../op-case.ts'
import { computeCases } from './compute.ts'
import { elementwiseCases } from './elementwise.ts'
import { rearrangingCases } from './rearranging.ts'
import { windowCases } from './windows.ts'

/** Operator × opset × attributes: what the upgrade and the shape inference are held against ONNX Runtime with. */
export const opCases: readonly OpCase[] = [...windowCases, ...elementwiseCases, ...rearrangingCases, ...computeCases]
