import { JaxJs } from '../contenders/jaxJs';
import { Measured } from '../measured';
import { serve } from '../remote';

serve((options) => new Measured(new JaxJs(), options));
