import SakerData
