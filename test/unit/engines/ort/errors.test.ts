import { describe, expect, it } from 'vitest'
import { Fault } from '../../../../src/shared/contract/fault.ts'
import { toEngineFault, trimNoise } from '../../../../src/main/engines/ort/errors.ts'

/** Messages as onnxruntime-node 1.30 threw them; what no small model provokes on every machine is held here. */
describe('messages of ONNX Runtime', () => {
  it.each([
    {
      why: 'an opset from the future',
      message:
        'Load model from /m.onnx failed:/onnxruntime_src/onnxruntime/core/graph/model_load_utils.h:46 void onnxruntime::model_load_utils::ValidateOpsetForDomain(const std::unordered_map<std::__cxx11::basic_string<char>, int>&, const onnxruntime::logging::Logger&, bool, const std::string&, int) ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 99 is under development and support for this is limited. The operator schemas and or other functionality may change before next ONNX release and in this case ONNX Runtime will not guarantee backward compatibility. Current official support for domain ai.onnx is till opset 26.\n',
      code: 'engine.unsupportedOpset',
      says: 'Model /m.onnx is written in opset 99; this ONNX Runtime reads up to 26.',
    },
    {
      why: 'an IR version from the future',
      message:
        'Load model from /m.onnx failed:/onnxruntime_src/onnxruntime/core/graph/model.cc:202 onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&, const onnxruntime::IOnnxRuntimeOpSchemaRegistryList*, const onnxruntime::logging::Logger&, const onnxruntime::ModelOptions&) Unsupported model IR version: 99, max supported IR version: 13\n',
      code: 'engine.unsupportedOpset',
      says: 'Model /m.onnx has IR version 99; this ONNX Runtime reads up to 13.',
    },
    {
      why: 'a custom operator',
      message: 'Load model from /m.onnx failed:Fatal error: my.domain:Fancy(-1) is not a registered function/op',
      code: 'engine.unsupportedOp',
      says: 'Model /m.onnx uses operator my.domain:Fancy, which is not in ONNX Runtime (a custom operator?).',
    },
    {
      why: 'an allocation that failed in C++',
      message: 'std::bad_alloc',
      code: 'engine.outOfMemory',
      says: 'Model /m.onnx needs more memory than this machine gives. Use a smaller batch or input, or fewer workers.',
    },
    {
      why: 'anything else, trimmed',
      message:
        'Load model from /m.onnx failed:Node (a) Op (Conv) [ShapeInferenceError] Input tensor must have at least 3 dimensions',
      code: 'engine.invalidModel',
      says: 'Model /m.onnx is refused by ONNX Runtime: Node (a) Op (Conv) [ShapeInferenceError] Input tensor must have at least 3 dimensions.',
    },
  ])('$why', ({ message, code, says }) => {
    const fault = toEngineFault(new Error(message), { stage: 'load', model: '/m.onnx' })
    expect(fault.code).toBe(code)
    expect(fault.message).toBe(says)
  })

  it('are not translated twice', () => {
    const fault = new Fault('engine.inputMissing', 'Missing.')
    expect(toEngineFault(fault, { stage: 'run', model: null })).toBe(fault)
  })

  it('lose source files and signatures, and keep the rest', () => {
    const noisy =
      '/onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:91 onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::TensorShapeVector&, bool) input_shape_size == requested_shape_size was false. Input shape:{1,3}\n'
    expect(trimNoise(noisy)).toBe('input_shape_size == requested_shape_size was false. Input shape:{1,3}')
    expect(trimNoise("Could not find a::b at node 'x'.")).toBe("Could not find a::b at node 'x'")
  })
})
