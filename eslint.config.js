import eslint from '@eslint/js'
import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'
import rooms from './lint/rooms.js'

const PURE_ROOMS = ['graph', 'formats', 'quant', 'calibration', 'search', 'training'].map(
  (room) => `src/main/${room}/**/*.ts`,
)

export default tseslint.config(
  { ignores: ['out/', 'dist/', 'node_modules/', 'src/main/formats/onnx/gen/', '*-output/'] },
  eslint.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  vue.configs['flat/recommended'],
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'lint/*.js'] },
        extraFileExtensions: ['.vue'],
      },
    },
    plugins: { house: { rules: { rooms } } },
    rules: {
      'house/rooms': 'error',
      eqeqeq: 'error',
      'no-undef': 'off', // the type checker knows better
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off', // noUncheckedIndexedAccess asks for them in hot loops over typed arrays
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      'vue/html-self-closing': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-indent': 'off',
      'vue/require-default-prop': 'off', // types say which may be absent
    },
  },
  {
    files: PURE_ROOMS,
    rules: {
      'no-restricted-globals': ['error', 'process', 'Buffer', 'setTimeout', 'setInterval', 'performance', 'fetch'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Pure rooms get a random source handed in.' },
        { object: 'Date', property: 'now', message: 'Pure rooms have no clock.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    // in-memory implementations of asynchronous ports have nothing to wait for
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/require-await': 'off' },
  },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
)
