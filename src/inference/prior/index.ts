/** Simulation: prior, prior predictive and posterior predictive draws. */
export { type DrawArray, type Draws, drawAt } from "./draws.js";
export {
  openPredictive,
  type Predictive,
  type PredictiveOptions,
  posteriorPredictive,
} from "./predictive.js";
export { type Simulation, type SimulationOptions, samplePrior, samplePriorOf } from "./prior.js";
