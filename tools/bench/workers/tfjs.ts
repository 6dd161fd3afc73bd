import { StockTfjs } from '../contenders/tfjs';
import { Measured } from '../measured';
import { serve } from '../remote';

serve((options) => new Measured(new StockTfjs(), options));
