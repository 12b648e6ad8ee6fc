"""Skeletons: the joints of bodies over time, as cameras, motion capture and pose estimators write them."""
