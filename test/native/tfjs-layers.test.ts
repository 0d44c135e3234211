import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { countOps, difference, inputsFor, readTfjs, runOnnx, runTfjs, saveLayers } from '../builders/tfjs.ts'

/** Both compute in float32; sums of a few thousand products in another order differ by some 1e-6 of the largest value. */
const TOLERANCE = 1e-4

type Apply = (x: tf.SymbolicTensor) => tf.SymbolicTensor
const over =
  (layer: tf.layers.Layer): Apply =>
  (x) =>
    layer.apply(x) as tf.SymbolicTensor

async function agree(
  model: tf.LayersModel,
  seed = 1,
  change: (value: number) => number = (value) => value,
): Promise<Record<string, number>> {
  const files = await saveLayers(model, seed)
  const graph = readTfjs(files)
  const inputs = Object.fromEntries(
    Object.entries(inputsFor(graph)).map(([name, { dims, data }]) => [name, { dims, data: data.map(change) }]),
  )
  expect(difference(await runTfjs(files, inputs), await runOnnx(graph, inputs))).toBeLessThan(TOLERANCE)
  return countOps(graph)
}

function modelOf(shape: number[], ...layers: Apply[]): tf.LayersModel {
  const inputs = tf.input({ shape })
  return tf.model({ inputs, outputs: layers.reduce((x, apply) => apply(x), inputs) })
}

describe('windows: every padding, stride, dilation and odd size as TensorFlow.js computes it', () => {
  for (const padding of ['same', 'valid'] as const) {
    for (const size of [7, 8, 11]) {
      for (const [strides, dilationRate] of [
        [1, 1],
        [2, 1],
        [3, 1],
        [1, 2],
      ] as const) {
        it(`Conv2D ${padding}, ${size}×${size + 1}, stride ${strides}, dilation ${dilationRate}`, async () => {
          for (const kernelSize of [2, 3, 5]) {
            if (padding === 'valid' && (kernelSize - 1) * dilationRate + 1 > size) continue
            const conv = tf.layers.conv2d({
              filters: 5,
              kernelSize,
              strides,
              dilationRate,
              padding,
              activation: 'relu',
            })
            await agree(modelOf([size, size + 1, 3], over(conv)))
          }
        })
      }
      it(`DepthwiseConv2D, SeparableConv2D and pools ${padding}, ${size}×${size + 2}`, async () => {
        for (const strides of [1, 2, 3] as const) {
          const common = { kernelSize: 3, strides: [strides, strides] as [number, number], padding }
          await agree(modelOf([size, size + 2, 3], over(tf.layers.depthwiseConv2d({ ...common, depthMultiplier: 2 }))))
          await agree(
            modelOf([size, size + 2, 3], over(tf.layers.separableConv2d({ ...common, filters: 4, useBias: true }))),
          )
          await agree(modelOf([size, size + 2, 3], over(tf.layers.maxPooling2d({ poolSize: 3, strides, padding }))))
          await agree(
            modelOf([size, size + 2, 3], over(tf.layers.averagePooling2d({ poolSize: [2, 3], strides, padding }))),
          )
        }
      })
      it(`Conv2DTranspose ${padding}, ${size}×${size}`, async () => {
        for (const [kernelSize, strides] of [
          [3, 1],
          [3, 2],
          [2, 3],
          [4, 2],
        ] as const) {
          await agree(
            modelOf([size, size, 3], over(tf.layers.conv2dTranspose({ filters: 4, kernelSize, strides, padding }))),
          )
        }
      })
      it(`Conv1D and pools over one axis ${padding}, ${size}`, async () => {
        const conv = over(tf.layers.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding }))
        await agree(modelOf([size, 3], conv, over(tf.layers.reLU())))
        await agree(modelOf([size, 3], over(tf.layers.maxPooling1d({ poolSize: 2, padding }))))
        await agree(modelOf([size, 3], over(tf.layers.averagePooling1d({ poolSize: 3, strides: 2, padding }))))
      })
    }
  }
})

describe('layers', () => {
  const picture = [6, 7, 4]
  const activations = [
    'relu',
    'relu6',
    'elu',
    'selu',
    'sigmoid',
    'hardSigmoid',
    'softplus',
    'softsign',
    'tanh',
    'softmax',
    'swish',
    'mish',
    'gelu',
    'linear',
  ] as const
  it.each(activations)('the activation %s', async (activation) => {
    await agree(modelOf([9], over(tf.layers.dense({ units: 7, activation: activation }))))
    await agree(
      modelOf(
        picture,
        over(tf.layers.conv2d({ filters: 3, kernelSize: 2 })),
        over(tf.layers.activation({ activation: activation })),
      ),
    )
  })

  const conv = over(tf.layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }))
  const cases: readonly [string, number[], Apply[]][] = [
    ['BatchNormalization behind a convolution', picture, [conv, over(tf.layers.batchNormalization())]],
    ['BatchNormalization of a list', [9], [over(tf.layers.batchNormalization({ scale: false }))]],
    ['LayerNormalization', picture, [conv, over(tf.layers.layerNormalization())]],
    ['LayerNormalization over two axes', [4, 5], [over(tf.layers.layerNormalization({ axis: [1, 2] }))]],
    ['ReLU with a bound', picture, [conv, over(tf.layers.reLU({ maxValue: 1 }))]],
    ['LeakyReLU', picture, [conv, over(tf.layers.leakyReLU({ alpha: 0.2 }))]],
    ['PReLU with a slope for each channel', picture, [conv, over(tf.layers.prelu({ sharedAxes: [1, 2] }))]],
    ['PReLU with a slope for each place', picture, [conv, over(tf.layers.prelu())]],
    ['ELU', picture, [conv, over(tf.layers.elu())]],
    ['ThresholdedReLU', [9], [over(tf.layers.thresholdedReLU({ theta: 0.3 }))]],
    ['Softmax over channels held first', picture, [conv, over(tf.layers.softmax({ axis: -1 }))]],
    [
      'GlobalAveragePooling2D and Dense',
      picture,
      [conv, over(tf.layers.globalAveragePooling2d({})), over(tf.layers.dense({ units: 3 }))],
    ],
    ['GlobalMaxPooling2D', picture, [conv, over(tf.layers.globalMaxPooling2d({}))]],
    ['global pools over one axis', [6, 3], [over(tf.layers.globalAveragePooling1d({}))]],
    [
      'Flatten and Dense',
      picture,
      [conv, over(tf.layers.flatten()), over(tf.layers.dense({ units: 3, useBias: false }))],
    ],
    [
      'Flatten, Dropout, BatchNormalization',
      picture,
      [conv, over(tf.layers.flatten()), over(tf.layers.dropout({ rate: 0.5 })), over(tf.layers.batchNormalization())],
    ],
    [
      'Reshape to a picture',
      [24],
      [over(tf.layers.reshape({ targetShape: [2, 3, 4] })), over(tf.layers.conv2d({ filters: 2, kernelSize: 2 }))],
    ],
    ['Reshape with an open length', picture, [conv, over(tf.layers.reshape({ targetShape: [-1, 2] }))]],
    ['Permute', picture, [conv, over(tf.layers.permute({ dims: [3, 1, 2] }))]],
    ['Dense over the last of several axes', picture, [conv, over(tf.layers.dense({ units: 3, activation: 'relu' }))]],
    [
      'ZeroPadding2D',
      picture,
      [
        conv,
        over(
          tf.layers.zeroPadding2d({
            padding: [
              [1, 0],
              [2, 3],
            ],
          }),
        ),
        over(tf.layers.conv2d({ filters: 2, kernelSize: 3, strides: 2 })),
      ],
    ],
    [
      'Cropping2D',
      picture,
      [
        conv,
        over(
          tf.layers.cropping2D({
            cropping: [
              [1, 0],
              [2, 1],
            ],
          }),
        ),
      ],
    ],
    [
      'UpSampling2D',
      picture,
      [conv, over(tf.layers.upSampling2d({ size: [2, 3] })), over(tf.layers.conv2d({ filters: 2, kernelSize: 3 }))],
    ],
    [
      'UpSampling2D, bilinear',
      picture,
      [conv, over(tf.layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }))],
    ],
    ['RepeatVector', [5], [over(tf.layers.repeatVector({ n: 3 }))]],
    [
      'GaussianNoise and dropouts',
      [5],
      [over(tf.layers.gaussianNoise({ stddev: 1 })), over(tf.layers.gaussianDropout({ rate: 0.5 }))],
    ],
  ]
  it.each(cases)('%s', async (_, shape, layers) => {
    await agree(modelOf(shape, ...layers))
  })

  it('Embedding', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.embedding({ inputDim: 20, outputDim: 4, inputLength: 5 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2 }),
      ],
    })
    await agree(model, 1, (value) => Math.abs(Math.trunc(9 * value)))
  })

  it.each(['add', 'multiply', 'average', 'maximum', 'minimum', 'concatenate'] as const)('%s of three', async (kind) => {
    const x = tf.input({ shape: picture })
    const parts = [1, 2, 3].map((kernelSize) =>
      tf.layers.conv2d({ filters: 4, kernelSize, padding: 'same' }).apply(x),
    ) as tf.SymbolicTensor[]
    const layer = tf.layers[kind]() as tf.layers.Layer
    const ops = await agree(tf.model({ inputs: x, outputs: layer.apply(parts) as tf.SymbolicTensor }))
    expect(ops['Transpose']).toBe(2)
  })

  it('dot of two lists', async () => {
    const [a, b] = [tf.input({ shape: [6] }), tf.input({ shape: [6] })]
    await agree(tf.model({ inputs: [a, b], outputs: tf.layers.dot({ axes: -1 }).apply([a, b]) as tf.SymbolicTensor }))
  })
})

describe('layers that hold channels first', () => {
  // not BatchNormalization: the pure JavaScript kernel goes by the last axis whatever the layer says
  const dataFormat = 'channelsFirst' as const
  const cases: readonly [string, Apply[]][] = [
    ['Conv2D', [over(tf.layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', dataFormat }))]],
    [
      'pools',
      [
        over(tf.layers.maxPooling2d({ poolSize: 2, dataFormat })),
        over(tf.layers.averagePooling2d({ poolSize: 2, dataFormat })),
      ],
    ],
    ['global pools', [over(tf.layers.globalAveragePooling2d({ dataFormat }))]],
    [
      'Flatten and Dense',
      [
        over(tf.layers.conv2d({ filters: 4, kernelSize: 3, dataFormat })),
        over(tf.layers.flatten({ dataFormat })),
        over(tf.layers.dense({ units: 3 })),
      ],
    ],
    [
      'ZeroPadding2D',
      [
        over(
          tf.layers.zeroPadding2d({
            padding: [
              [1, 0],
              [0, 2],
            ],
            dataFormat,
          }),
        ),
      ],
    ],
  ]
  it.each(cases)('%s', async (_, layers) => {
    await agree(modelOf([3, 8, 9], ...layers))
  })
})

describe('whole models', () => {
  it('a residual network transposes at its edge only', async () => {
    const x = tf.input({ shape: [9, 9, 3] })
    let y = tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same' }).apply(x) as tf.SymbolicTensor
    for (let block = 0; block < 2; block++) {
      let z = tf.layers
        .conv2d({ filters: 8, kernelSize: 3, padding: 'same', useBias: false })
        .apply(y) as tf.SymbolicTensor
      z = tf.layers.batchNormalization().apply(z) as tf.SymbolicTensor
      z = tf.layers.reLU().apply(z) as tf.SymbolicTensor
      y = tf.layers.add().apply([y, z]) as tf.SymbolicTensor
    }
    const pooled = tf.layers.globalAveragePooling2d({}).apply(y) as tf.SymbolicTensor
    const ops = await agree(
      tf.model({
        inputs: x,
        outputs: tf.layers.dense({ units: 4, activation: 'softmax' }).apply(pooled) as tf.SymbolicTensor,
      }),
    )
    expect(ops['Transpose']).toBe(1)
    expect(ops['Reshape']).toBeUndefined()
  })

  it('squeeze and excitation: a reshape to 1×1 pictures and a product need no Transpose', async () => {
    const x = tf.input({ shape: [8, 8, 3] })
    const y = tf.layers.conv2d({ filters: 6, kernelSize: 3 }).apply(x) as tf.SymbolicTensor
    let s = tf.layers.globalAveragePooling2d({}).apply(y) as tf.SymbolicTensor
    s = tf.layers.reshape({ targetShape: [1, 1, 6] }).apply(s) as tf.SymbolicTensor
    s = tf.layers.conv2d({ filters: 6, kernelSize: 1, activation: 'sigmoid' }).apply(s) as tf.SymbolicTensor
    const scaled = tf.layers.multiply().apply([y, s]) as tf.SymbolicTensor
    const flat = tf.layers.flatten().apply(scaled) as tf.SymbolicTensor
    const ops = await agree(
      tf.model({ inputs: x, outputs: tf.layers.dense({ units: 3 }).apply(flat) as tf.SymbolicTensor }),
    )
    expect(ops['Transpose']).toBe(1)
  })

  it('shared layers, nested models, several inputs and outputs', async () => {
    const inner = tf.sequential({
      name: 'inner',
      layers: [tf.layers.dense({ units: 5, inputShape: [4], activation: 'tanh' }), tf.layers.dense({ units: 3 })],
    })
    const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })]
    const shared = tf.layers.dense({ units: 4, activation: 'relu' })
    const left = inner.apply(shared.apply(a)) as tf.SymbolicTensor
    const right = shared.apply(b) as tf.SymbolicTensor
    await agree(tf.model({ inputs: [a, b], outputs: [left, right] }))
  })

  it('a Sequential model in a Sequential model, the size of the input told by the inner one', async () => {
    const inner = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [8, 8, 1], activation: 'relu' }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
      ],
    })
    const outer = tf.sequential({ layers: [inner, tf.layers.flatten(), tf.layers.dense({ units: 4 })] })
    expect((await agree(outer))['Transpose']).toBe(1)
  })

  it('open picture sizes are padded when the model runs', async () => {
    const x = tf.input({ shape: [null, null, 3] })
    const y = tf.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }).apply(x) as tf.SymbolicTensor
    const z = tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(y) as tf.SymbolicTensor
    const files = await saveLayers(
      tf.model({ inputs: x, outputs: tf.layers.globalAveragePooling2d({}).apply(z) as tf.SymbolicTensor }),
    )
    const graph = readTfjs(files)
    for (const [height, width] of [
      [8, 8],
      [9, 13],
      [11, 10],
    ] as const) {
      const count = 2 * height * width * 3
      const data = Float32Array.from({ length: count }, (_, i) => Math.sin(i))
      const inputs = { [graph.graph.inputs[0]!.name]: { dims: [2, height, width, 3], data } }
      expect(difference(await runTfjs(files, inputs), await runOnnx(graph, inputs))).toBeLessThan(TOLERANCE)
    }
  })
})
