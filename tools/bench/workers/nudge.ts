import { Nudge } from '../contenders/nudge';
import { Measured } from '../measured';
import { serve } from '../remote';

serve((options) => new Measured(new Nudge(options), options));
