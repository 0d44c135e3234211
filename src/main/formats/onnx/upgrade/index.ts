export { NEWEST_OPSET, upgradeOpset } from './upgrade-opset.ts'
